// The messages of a chat, as a window over the whole log: it holds at most MAX_MESSAGES messages, loads more as the
// reader scrolls, and removes those far away. Messages are sorted by seq.

import { gettext } from '../../chatapi/text/i18n.js';
import { dayKey, formatDay, onNewDay } from '../../chatapi/text/times.js';
import { element } from '../../chatapi/ui/dom.js';
import { isVisible } from '../../chatapi/ui/visibility.js';
import { quoteOf } from './quotes.js';

const PAGE_SIZE = 50;
const MAX_MESSAGES = 250;
const LOAD_DISTANCE = 800; // pixels from either end at which the next page is loaded
const END_DISTANCE = 40; // pixels within which the reader counts as being at the end
const FOUND_DURATION = 2_000; // milliseconds for which a message stands out that the reader went to
const GROUP_INTERVAL = 5 * 60_000; // milliseconds; messages of one author within this time share one name

export class Timeline {
  /**
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api
   * @param {number} options.chatId
   * @param {HTMLElement} options.root
   * @param {(message: any) => HTMLElement} options.render
   * @param {() => void} options.onNewestVisible called when the newest message is visible
   * @param {() => void} options.onScroll called when the position in the log changes
   */
  constructor({ api, chatId, root, render, onNewestVisible, onScroll }) {
    this.api = api;
    this.render = render;
    this.onNewestVisible = onNewestVisible;
    this.onScroll = onScroll;
    this.path = `/api/chats/${chatId}/messages`;
    this.list = element('ol', { class: 'messages' });
    this.tail = element('ol', { class: 'messages pending', 'aria-label': gettext('Not sent yet') });
    this.startNote = element('p', { class: 'start quiet', hidden: true }, gettext('This is the start of the chat.'));
    this.scroller = element(
      'div',
      { class: 'timeline', role: 'region', tabIndex: 0, 'aria-label': gettext('Messages') },
      element('div', { class: 'column' }, this.startNote, this.list, this.tail),
    );
    root.append(this.scroller);
    /** @type {{message: any, element: HTMLElement, day: HTMLElement | null}[]} by seq */
    this.entries = [];
    this.newest = 0; // the highest known seq
    this.reachedStart = false; // the chat's first message is loaded
    /** @type {Promise<void> | null} */
    this.loading = null;
    /** @type {number | null} */
    this.firstUnreadSeq = null; // the mark "New messages" stands before it
    this.closed = false;
    this.sticky = true; // keeps to the end when messages are added
    this.mark = element('li', { class: 'mark' }, element('span', {}, gettext('New messages')));
    this.scroller.addEventListener('scroll', () => this.handleScroll(), { passive: true });
    this.scroller.addEventListener('keydown', (event) => this.handleKey(event));
    this.scroller.addEventListener('focusin', (event) =>
      this.updateTabStops(/** @type {Element} */ (event.target).closest('.message')),
    );
    this.resizeObserver = new ResizeObserver(() => this.sticky && this.toBottom());
    this.resizeObserver.observe(this.scroller);
    this.resizeObserver.observe(this.list);
    this.resizeObserver.observe(this.tail);
    this.onArrange = () => {}; // called when messages were added, removed or replaced
    this.lifetime = new AbortController();
    onNewDay(() => this.renameDays(), { signal: this.lifetime.signal });
  }

  close() {
    this.closed = true;
    this.lifetime.abort();
    this.resizeObserver.disconnect();
    this.scroller.remove();
  }

  get atEnd() {
    return this.entries.length === 0 ? this.newest === 0 : this.entries.at(-1).message.seq >= this.newest;
  }

  /**
   * Load the newest page, with the mark before the oldest of the last `unread` messages of others.
   *
   * @param {{unread?: number, isMine: (message: any) => boolean}} options
   */
  async open({ unread = 0, isMine }) {
    const page = await this.api.get(`${this.path}?per_page=${PAGE_SIZE}`);
    this.reachedStart = page.next_page_url === null;
    this.newest = Math.max(this.newest, page.data[0]?.seq ?? 0);
    if (unread > 0) {
      const others = page.data.filter((each) => !isMine(each) && each.deleted_at === null);
      this.firstUnreadSeq = others[Math.min(unread, others.length) - 1]?.seq ?? null;
    }
    this.clear();
    this.insert(page.data.reverse());
    this.toBottom();
  }

  /** Return whether the reader can see the newest message. */
  get newestVisible() {
    return this.sticky && isVisible();
  }

  /** Add a new message, with the mark before it if it is the `firstUnread`. */
  add(message, { firstUnread = false } = {}) {
    const wasAtEnd = this.atEnd;
    const known = this.entries.some((entry) => entry.message.id === message.id);
    this.newest = Math.max(this.newest, message.seq);
    if (known) {
      this.replace(message);
      return;
    }
    if (firstUnread) this.firstUnreadSeq = message.seq;
    if (wasAtEnd) this.insert([message]);
    if (this.entries.length > MAX_MESSAGES && this.sticky) this.evict('first');
    if (this.sticky) this.toBottom();
    this.onScroll();
  }

  /** Show the current version of a message, in itself and in the replies to it that are loaded. */
  replace(message) {
    const changed = [];
    for (const entry of this.entries) {
      const isReply = entry.message.reply_to?.id === message.id;
      if (entry.message.id !== message.id && !isReply) continue;
      const current = isReply ? { ...entry.message, reply_to: quoteOf(message) } : message;
      if (JSON.stringify(entry.message) === JSON.stringify(current)) continue;
      entry.message = current;
      changed.push(entry);
    }
    this.renderAgain(changed);
  }

  /** Show the loaded messages again for which `test` is true, because something besides them has changed. */
  refresh(test = (_message) => true) {
    this.renderAgain(this.entries.filter((entry) => test(entry.message)));
  }

  renderAgain(entries) {
    if (entries.length === 0) return;
    this.keepPosition(() => {
      for (const entry of entries) {
        const rendered = this.render(entry.message);
        replaceMessage(entry.element, rendered);
        entry.element = rendered;
      }
      this.arrange();
    });
  }

  find(id) {
    return this.entries.find((entry) => entry.message.id === id)?.message;
  }

  /** The element of a loaded message. */
  elementOf(id) {
    return this.entries.find((entry) => entry.message.id === id)?.element ?? null;
  }

  /** The newest loaded message for which `test` is true. */
  findLast(test) {
    return this.entries.findLast((entry) => test(entry.message))?.message;
  }

  forEach(callback) {
    for (const entry of this.entries) callback(entry.message, entry.element);
  }

  /** Go to the newest message. */
  async scrollToEnd() {
    if (!this.atEnd) {
      await this.loading;
      await this.open({ isMine: () => false });
    }
    this.sticky = true;
    this.toBottom();
    this.handleScroll();
  }

  /**
   * Go to an earlier message, and load those around it unless it is loaded.
   *
   * @param {{id: number, seq: number}} message
   */
  async goTo({ id, seq }) {
    if (!this.elementOf(id)) {
      await this.loading;
      await this.openAround(seq);
    }
    const target = this.elementOf(id);
    if (target) this.reveal(target);
  }

  /** Scroll to what is shown, move the focus there, and let it stand out for a moment. */
  reveal(target) {
    this.sticky = false; // the end must not pull the reader back
    target.scrollIntoView({ block: 'center' });
    this.handleScroll(); // it may still be at the end
    target.focus({ preventScroll: true });
    target.classList.add('found');
    setTimeout(() => target.classList.remove('found'), FOUND_DURATION);
  }

  /** Load the messages around a seq in place of those that are loaded. */
  async openAround(seq) {
    const size = PAGE_SIZE / 2;
    const [older, newer] = await Promise.all([
      this.api.get(`${this.path}?before_seq=${seq}&per_page=${size}`),
      this.api.get(`${this.path}?after_seq=${seq - 1}&per_page=${size}&order=asc`),
    ]);
    if (this.closed) return;
    this.clear();
    this.reachedStart = older.next_page_url === null;
    this.insert([...older.data.reverse(), ...newer.data]);
  }

  clear() {
    for (const entry of this.entries) {
      entry.day?.remove();
      entry.element.remove();
    }
    this.entries = [];
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  handleScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const below = scrollHeight - clientHeight - scrollTop;
    this.sticky = this.atEnd && below < END_DISTANCE;
    if (this.newestVisible) this.onNewestVisible();
    if (scrollTop < LOAD_DISTANCE && !this.reachedStart) this.load('older');
    else if (below < LOAD_DISTANCE && !this.atEnd) this.load('newer');
    this.onScroll();
  }

  /** @param {'older' | 'newer'} direction */
  load(direction) {
    if (this.loading || this.closed || this.entries.length === 0) return;
    this.loading = (direction === 'older' ? this.loadOlder() : this.loadNewer())
      .catch(() => {}) // the next scroll event tries again
      .finally(() => {
        this.loading = null;
      });
  }

  async loadOlder() {
    const first = this.entries[0].message.seq;
    const page = await this.api.get(`${this.path}?before_seq=${first}&per_page=${PAGE_SIZE}`);
    if (this.closed || this.entries[0]?.message.seq !== first) return;
    this.reachedStart = page.next_page_url === null;
    this.keepPosition(() => {
      this.insert(page.data.reverse());
      this.evict('last');
    });
  }

  async loadNewer() {
    const last = this.entries.at(-1).message.seq;
    const page = await this.api.get(`${this.path}?after_seq=${last}&per_page=${PAGE_SIZE}&order=asc`);
    if (this.closed || this.entries.at(-1)?.message.seq !== last) return;
    this.keepPosition(() => {
      this.insert(page.data);
      this.evict('first');
    });
  }

  /** Call `change` without moving the messages that the reader is looking at. */
  keepPosition(change) {
    const top = this.scroller.getBoundingClientRect().top;
    const anchor = this.entries.find((entry) => entry.element.getBoundingClientRect().bottom > top);
    const before = anchor?.element.getBoundingClientRect().top;
    change();
    if (anchor?.element.isConnected) {
      this.scroller.scrollTop += anchor.element.getBoundingClientRect().top - before;
    }
  }

  insert(messages) {
    const known = new Set(this.entries.map((entry) => entry.message.id));
    for (const message of messages) {
      if (known.has(message.id)) continue;
      const entry = { message, element: this.render(message), day: null };
      const next = this.entries.findLastIndex((each) => each.message.seq < message.seq) + 1;
      const after = this.entries[next];
      this.list.insertBefore(entry.element, after ? (after.day ?? after.element) : null);
      this.entries.splice(next, 0, entry);
    }
    this.arrange();
  }

  /**
   * Remove messages above the maximum.
   *
   * @param {'first' | 'last'} side
   */
  evict(side) {
    const excess = this.entries.length - MAX_MESSAGES;
    if (excess <= 0) return;
    const removed = side === 'first' ? this.entries.splice(0, excess) : this.entries.splice(-excess);
    if (side === 'first') this.reachedStart = false;
    for (const entry of removed) {
      entry.day?.remove();
      entry.element.remove();
    }
    this.arrange();
  }

  /** Place the days, group messages by author, and place the mark. */
  arrange() {
    let previous = null;
    this.mark.remove();
    for (const entry of this.entries) {
      const { message } = entry;
      const newDay = !previous || dayKey(previous.created_at) !== dayKey(message.created_at);
      if (newDay && !entry.day) {
        entry.day = element('li', { class: 'day' }, element('span', {}, formatDay(message.created_at)));
        entry.element.before(entry.day);
      } else if (!newDay && entry.day) {
        entry.day.remove();
        entry.day = null;
      }
      const follows =
        !newDay &&
        previous.author.id === message.author.id &&
        Date.parse(message.created_at) - Date.parse(previous.created_at) < GROUP_INTERVAL;
      entry.element.classList.toggle('follows', follows);
      if (message.seq === this.firstUnreadSeq) (entry.day ?? entry.element).before(this.mark);
      previous = message;
    }
    this.startNote.hidden = !this.reachedStart;
    this.onArrange();
  }

  /** "today" becomes "yesterday" at midnight. */
  renameDays() {
    for (const { day, message } of this.entries)
      if (day) day.firstElementChild.textContent = formatDay(message.created_at);
  }

  /** ArrowUp and ArrowDown move the focus between messages. */
  handleKey(event) {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    const current = event.target.closest('.message');
    if (event.target !== this.scroller && event.target !== current) return;
    /** @type {NodeListOf<HTMLElement>} */
    const shown = this.list.querySelectorAll('.message'); // and what stands among them
    const nodes = [...shown];
    const step = event.key === 'ArrowUp' ? -1 : 1;
    const next = current ? nodes[nodes.indexOf(current) + step] : step < 0 ? nodes.at(-1) : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  }

  /** Let Tab reach only the buttons of the message that has the focus. */
  updateTabStops(message) {
    /** @type {NodeListOf<HTMLButtonElement>} */
    const buttons = this.list.querySelectorAll('button');
    for (const button of buttons) {
      button.tabIndex = message?.contains(button) ? 0 : -1;
    }
  }
}

/** Put a message in place of a former version. If the focus was in that one, it moves to the same button. */
export function replaceMessage(former, rendered) {
  const focused = former.contains(document.activeElement) ? document.activeElement : null;
  former.replaceWith(rendered);
  if (focused) sameButton(rendered, focused).focus();
}

/** The button of a message that does the same as one that was there before; the message if there is none. */
function sameButton(message, former) {
  const buttons = [...message.querySelectorAll('[data-action]')];
  return buttons.find((button) => button.dataset.action === former.dataset.action) ?? message;
}
