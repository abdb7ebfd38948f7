// The messages of a chat as a window over all there are: at most MOST elements, more of them as the
// reader scrolls, those far away let go. Messages sort by seq.

import { element } from '../../chatapi/ui/dom.js';
import { inSight } from '../../chatapi/ui/visibility.js';
import { dayKey, dayName, onNewDay } from '../../chatapi/text/times.js';
import { gettext } from '../../chatapi/text/i18n.js';

const PAGE = 50;
const MOST = 250;
const NEAR = 800; // pixels from an end, where the next page is asked for
const AT_END = 40;
const TOGETHER = 5 * 60_000; // messages of one author within this time stand under one name

export class Timeline {
  /** `render(message)` gives an element; `onSeen()` is told when the newest message is in sight, and
   *  `onMoved()` when the place in the log changes. */
  constructor({ api, chatId, root, render, onSeen, onMoved }) {
    Object.assign(this, { api, chatId, render, onSeen, onMoved });
    this.path = `/api/chats/${chatId}/messages`;
    this.list = element('ol', { class: 'messages' });
    this.tail = element('ol', { class: 'messages pending', 'aria-label': gettext('Not sent yet') });
    this.start = element('p', { class: 'start quiet', hidden: true }, gettext('This is where the chat begins.'));
    this.scroller = element(
      'div',
      { class: 'timeline', role: 'region', tabIndex: 0, 'aria-label': gettext('Messages') },
      element('div', { class: 'column' }, this.start, this.list, this.tail),
    );
    root.append(this.scroller);
    this.entries = []; // {message, element, day}, by seq
    this.newest = 0; // the highest seq heard of
    this.begun = false; // the first message of all is shown
    this.loading = null;
    this.markBefore = null; // the seq that "New messages" stands before
    this.mark = element('li', { class: 'mark' }, element('span', {}, gettext('New messages')));
    this.scroller.addEventListener('scroll', () => this.scrolled(), { passive: true });
    this.scroller.addEventListener('keydown', (event) => this.walked(event));
    this.scroller.addEventListener('focusin', (event) => this.focused(event.target.closest('.message')));
    this.sizes = new ResizeObserver(() => this.sticky && this.toBottom());
    this.sizes.observe(this.scroller);
    this.sizes.observe(this.list);
    this.sizes.observe(this.tail);
    this.over = new AbortController();
    onNewDay(() => this.nameDays(), { signal: this.over.signal });
    this.sticky = true; // goes along with what is new
  }

  close() {
    this.closed = true;
    this.over.abort();
    this.sizes.disconnect();
    this.scroller.remove();
  }

  get atEnd() {
    return this.entries.length === 0 ? this.newest === 0 : this.entries.at(-1).message.seq >= this.newest;
  }

  /** The newest page, with the mark before the oldest of so many unread ones of others. */
  async open({ unread = 0, mine }) {
    const page = await this.api.get(`${this.path}?per_page=${PAGE}`);
    this.begun = page.next_page_url === null;
    this.newest = Math.max(this.newest, page.data[0]?.seq ?? 0);
    if (unread > 0) {
      const others = page.data.filter((each) => !mine(each) && each.deleted_at === null);
      this.markBefore = others[Math.min(unread, others.length) - 1]?.seq ?? null;
    }
    for (const entry of this.entries) entry.element.remove();
    this.entries = [];
    this.insert(page.data.reverse());
    this.toBottom();
  }

  /** Whether the reader sees what is added. */
  get seen() {
    return this.sticky && inSight();
  }

  /** A message that was just written, by anybody; the mark goes before the `firstUnread`. */
  add(message, { firstUnread = false } = {}) {
    const wasAtEnd = this.atEnd;
    const known = this.entries.some((entry) => entry.message.id === message.id);
    this.newest = Math.max(this.newest, message.seq);
    if (known) {
      this.replace(message);
      return;
    }
    if (firstUnread) this.markBefore = message.seq;
    if (wasAtEnd) this.insert([message]);
    if (this.entries.length > MOST && this.sticky) this.letGo('first');
    if (this.sticky) this.toBottom();
    this.onMoved();
  }

  /** A message as it is now, if it is among those shown. */
  replace(message) {
    const entry = this.entries.find((each) => each.message.id === message.id);
    if (!entry || JSON.stringify(entry.message) === JSON.stringify(message)) return;
    const made = this.render(message);
    const hadFocus = entry.element.contains(document.activeElement);
    entry.element.replaceWith(made);
    entry.message = message;
    entry.element = made;
    if (hadFocus) made.focus();
    this.arrange();
  }

  find(id) {
    return this.entries.find((entry) => entry.message.id === id)?.message;
  }

  /** The newest message shown that `test` fits. */
  last(test) {
    return this.entries.findLast((entry) => test(entry.message))?.message;
  }

  each(visit) {
    for (const entry of this.entries) visit(entry.message, entry.element);
  }

  /** Back to the newest message. */
  async toEnd() {
    if (!this.atEnd) {
      await this.loading;
      await this.open({ mine: () => false });
    }
    this.sticky = true;
    this.toBottom();
    this.scrolled();
  }

  toBottom() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const below = scrollHeight - clientHeight - scrollTop;
    this.sticky = this.atEnd && below < AT_END;
    if (this.seen) this.onSeen();
    if (scrollTop < NEAR && !this.begun) this.load('older');
    else if (below < NEAR && !this.atEnd) this.load('newer');
    this.onMoved();
  }

  load(side) {
    if (this.loading || this.closed || this.entries.length === 0) return;
    this.loading = this[side]()
      .catch(() => {}) // away: scrolling on, or coming back, asks again
      .finally(() => {
        this.loading = null;
      });
  }

  async older() {
    const first = this.entries[0].message.seq;
    const page = await this.api.get(`${this.path}?before_seq=${first}&per_page=${PAGE}`);
    if (this.closed || this.entries[0]?.message.seq !== first) return;
    this.begun = page.next_page_url === null;
    this.steadily(() => {
      this.insert(page.data.reverse());
      this.letGo('last');
    });
  }

  async newer() {
    const last = this.entries.at(-1).message.seq;
    const page = await this.api.get(`${this.path}?after_seq=${last}&per_page=${PAGE}&order=asc`);
    if (this.closed || this.entries.at(-1)?.message.seq !== last) return;
    this.steadily(() => {
      this.insert(page.data);
      this.letGo('first');
    });
  }

  /** Change what is shown, with what the reader looks at staying where it is. */
  steadily(change) {
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

  letGo(side) {
    const many = this.entries.length - MOST;
    if (many <= 0) return;
    const gone = side === 'first' ? this.entries.splice(0, many) : this.entries.splice(-many);
    if (side === 'first') this.begun = false;
    for (const entry of gone) {
      entry.day?.remove();
      entry.element.remove();
    }
    this.arrange();
  }

  /** Days between messages, one name above those of one author, the mark of what is new. */
  arrange() {
    let previous = null;
    this.mark.remove();
    for (const entry of this.entries) {
      const { message } = entry;
      const newDay = !previous || dayKey(previous.created_at) !== dayKey(message.created_at);
      if (newDay && !entry.day) {
        entry.day = element('li', { class: 'day' }, element('span', {}, dayName(message.created_at)));
        entry.element.before(entry.day);
      } else if (!newDay && entry.day) {
        entry.day.remove();
        entry.day = null;
      }
      const follows =
        !newDay &&
        previous.author.id === message.author.id &&
        Date.parse(message.created_at) - Date.parse(previous.created_at) < TOGETHER;
      entry.element.classList.toggle('follows', follows);
      if (message.seq === this.markBefore) (entry.day ?? entry.element).before(this.mark);
      previous = message;
    }
    this.start.hidden = !this.begun;
  }

  /** The same days have other names tomorrow. */
  nameDays() {
    for (const { day, message } of this.entries) if (day) day.firstChild.textContent = dayName(message.created_at);
  }

  /** Up and down go from message to message, with the keys of the reader's own. */
  walked(event) {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    const here = event.target.closest('.message');
    if (event.target !== this.scroller && event.target !== here) return;
    const places = this.entries.map((entry) => entry.element);
    const step = event.key === 'ArrowUp' ? -1 : 1;
    const next = here ? places[places.indexOf(here) + step] : step < 0 ? places.at(-1) : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: 'nearest' });
  }

  /** The buttons of the message that has the focus are the ones that Tab comes to. */
  focused(message) {
    for (const button of this.list.querySelectorAll('.tool')) {
      button.tabIndex = message?.contains(button) ? 0 : -1;
    }
  }
}
