// Word of new messages outside the page, when the agent allowed it and can't see the page.

import { keep, kept } from '../../chatapi/storage/storage.js';
import { SharedSight } from '../../chatapi/ui/visibility.js';
import { shorten } from '../../chatapi/text/text.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { nameOf } from '../conversation/message.js';

const KEY = 'chatapi:notifications';
const PATIENCE = 1_000; // milliseconds in which a message may be read in another browser

/** A button that asks for them; `titleOf(chatId)` names a chat, `onOpen(chatId)` is called when one is chosen. */
export class Notifications {
  constructor({ button, userId, titleOf, onOpen }) {
    this.titleOf = titleOf;
    this.onOpen = onOpen;
    this.button = button;
    this.sight = new SharedSight(`chatapi:inbox:${userId}`);
    this.told = new Map(); // chat id → {message, close()}: what is shown, or about to be
    if (!('Notification' in globalThis)) return;
    button.hidden = false;
    button.addEventListener('click', () => this.turn());
    this.show();
  }

  get on() {
    return 'Notification' in globalThis && Notification.permission === 'granted' && kept(KEY) === 'on';
  }

  async turn() {
    if (this.on) keep(KEY, null);
    else if ((await Notification.requestPermission()) === 'granted') keep(KEY, 'on');
    this.show();
  }

  show() {
    const refused = Notification.permission === 'denied';
    this.button.disabled = refused;
    this.button.setAttribute('aria-pressed', String(this.on));
    this.button.textContent = refused
      ? gettext('Notifications are blocked')
      : this.on
        ? gettext('Notifications are on')
        : gettext('Turn on notifications');
  }

  /** Notify of a message, unless some tab of the inbox is in sight, or it is read at once. */
  tell(message) {
    if (!this.on || message.text === null) return;
    const waiting = this.told.get(message.chat_id);
    if (waiting?.clock) {
      waiting.message = message; // one notification of both
      return;
    }
    waiting?.close();
    const told = { message, close: () => clearTimeout(told.clock) };
    told.clock = setTimeout(async () => {
      told.clock = null;
      if (!(await this.sight.isAnywhere())) this.notify(told);
    }, PATIENCE);
    this.told.set(message.chat_id, told);
  }

  /** Take back what was said of a chat, as the reader has read it up to `seq`. */
  withdraw(chatId, seq) {
    const told = this.told.get(chatId);
    if (!told || told.message.seq > seq) return;
    told.close();
    this.told.delete(chatId);
  }

  notify(told) {
    const { message } = told;
    const names = { name: nameOf(message.author), chat: this.titleOf(message.chat_id) };
    const title = interpolate(gettext('%(name)s in %(chat)s'), names);
    const options = { body: shorten(message.text, 200), tag: `chat-${message.chat_id}` };
    let note;
    try {
      note = new Notification(title, options);
    } catch {
      this.tellByWorker(title, { ...options, data: { url: `/inbox#chat=${message.chat_id}` } });
      return;
    }
    told.close = () => note.close();
    note.addEventListener('click', () => {
      window.focus();
      this.onOpen(message.chat_id);
      note.close();
    });
  }

  /** Where pages may not notify themselves, as on Android. */
  async tellByWorker(title, options) {
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.showNotification(title, options);
  }
}
