// Desktop notifications of new messages, if the agent has turned them on and no tab of the inbox is visible.

import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { shorten } from '../../chatapi/text/text.js';
import { SharedVisibility } from '../../chatapi/ui/visibility.js';
import { summaryOf } from '../conversation/files.js';
import { fullName } from '../conversation/message.js';

const KEY = 'chatapi:notifications';
const DELAY = 1_000; // milliseconds in which the message may be read in another browser

/**
 * A notification that is shown or about to be.
 *
 * @typedef {object} Notice
 * @property {any} message
 * @property {any} timer until it is shown; null afterwards
 * @property {() => void} close
 */

export class Notifications {
  /**
   * @param {object} options
   * @param {HTMLButtonElement} options.button turns notifications on and off
   * @param {number} options.userId
   * @param {(chatId: number) => string} options.titleOf
   * @param {(chatId: number) => void} options.onOpen called when the agent clicks a notification
   */
  constructor({ button, userId, titleOf, onOpen }) {
    this.titleOf = titleOf;
    this.onOpen = onOpen;
    this.button = button;
    this.visibility = new SharedVisibility(`chatapi:inbox:${userId}`);
    /** @type {Map<number, Notice>} by chat id */
    this.notices = new Map();
    if (!('Notification' in globalThis)) return;
    button.hidden = false;
    button.addEventListener('click', () => this.toggle());
    this.updateButton();
  }

  get on() {
    return 'Notification' in globalThis && Notification.permission === 'granted' && getStored(KEY) === 'on';
  }

  async toggle() {
    if (this.on) setStored(KEY, null);
    else if ((await Notification.requestPermission()) === 'granted') setStored(KEY, 'on');
    this.updateButton();
  }

  updateButton() {
    const blocked = Notification.permission === 'denied';
    this.button.disabled = blocked;
    this.button.setAttribute('aria-pressed', String(this.on));
    this.button.textContent = blocked
      ? gettext('Notifications are blocked')
      : this.on
        ? gettext('Notifications are on')
        : gettext('Turn on notifications');
  }

  /**
   * Notify of a message or, `mentionedBy` somebody, of a mention of the agent, unless a tab of the inbox is visible or
   * the message is read at once.
   */
  notify(message) {
    if (!this.on || message.text === null) return;
    const former = this.notices.get(message.chat_id);
    if (former?.timer) {
      former.message = message; // one notification for both messages
      return;
    }
    former?.close();
    /** @type {Notice} */
    const notice = { message, timer: null, close: () => clearTimeout(notice.timer) };
    notice.timer = setTimeout(async () => {
      notice.timer = null;
      if (!(await this.visibility.isVisibleAnywhere())) this.show(notice);
    }, DELAY);
    this.notices.set(message.chat_id, notice);
  }

  /** Close the notification of a chat that has been read up to `seq`. */
  withdraw(chatId, seq) {
    const notice = this.notices.get(chatId);
    if (!notice || notice.message.seq > seq || notice.message.mentionedBy) return;
    notice.close();
    this.notices.delete(chatId);
  }

  /** Close the notification of a message or a note that was deleted. */
  withdrawDeleted({ chat_id: chatId, id, member_seq: ofMembers }) {
    const notice = this.notices.get(chatId);
    if (notice?.message.id !== id || Boolean(notice.message.member_seq) !== Boolean(ofMembers)) return;
    notice.close();
    this.notices.delete(chatId);
  }

  show(notice) {
    const { message } = notice;
    const { mentionedBy } = message;
    const names = { name: mentionedBy ?? fullName(message.author), chat: this.titleOf(message.chat_id) };
    const title = mentionedBy
      ? interpolate(gettext('%(name)s mentioned you in %(chat)s'), names)
      : interpolate(gettext('%(name)s in %(chat)s'), names);
    const options = { body: shorten(summaryOf(message), 200), tag: `chat-${message.chat_id}` };
    let notification;
    try {
      notification = new Notification(title, options);
    } catch {
      this.showByWorker(title, { ...options, data: { url: `/inbox#chat=${message.chat_id}` } });
      return;
    }
    notice.close = () => notification.close();
    notification.addEventListener('click', () => {
      window.focus();
      this.onOpen(message.chat_id);
      notification.close();
    });
  }

  /** For browsers in which only service workers may show notifications, as on Android. */
  async showByWorker(title, options) {
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.showNotification(title, options);
  }
}
