// Word of new messages outside the page, when the agent allowed it and can't see the page.

import { keep, kept } from '../chatapi/storage.js';
import { inSight } from '../chatapi/sight.js';
import { shorten } from '../chatapi/text.js';
import { gettext, interpolate } from '../chatapi/words.js';
import { nameOf } from './message.js';

const KEY = 'chatapi:notifications';

/** A button that asks for them; `onOpen(chatId)` when one is chosen. */
export class Notifications {
  constructor({ button, onOpen }) {
    this.onOpen = onOpen;
    this.button = button;
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

  tell(message, chatName) {
    if (!this.on || inSight() || message.text === null) return;
    const title = interpolate(gettext('%(name)s in %(chat)s'), { name: nameOf(message.author), chat: chatName });
    const options = { body: shorten(message.text, 200), tag: `chat-${message.chat_id}` };
    let note;
    try {
      note = new Notification(title, options);
    } catch {
      this.tellByWorker(title, { ...options, data: { url: `/inbox#chat=${message.chat_id}` } });
      return;
    }
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
