// The list of the agent's chats, those with unread messages first. Events keep it up to date.

import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { shorten } from '../../chatapi/text/text.js';
import { formatBrief, formatDateTime, onNewDay } from '../../chatapi/text/times.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { summaryOf } from '../conversation/files.js';
import { fullName } from '../conversation/message.js';

const OPEN_PAGE_SIZE = 249;
const PAGE_SIZE = 50; // of closed chats and of search results
const MAX_OPEN = 1_000; // open chats that are loaded and sorted here; search finds the others

export class InboxList {
  /**
   * @param {object} options
   * @param {HTMLElement} options.root holds the rows
   * @param {HTMLElement} options.more the button that loads more
   * @param {HTMLElement} options.empty shown when there are no chats
   * @param {HTMLElement} options.unmatched shown when a search finds no chats
   * @param {import('../../chatapi/api/client.js').Api} options.api
   * @param {any[]} options.companies
   * @param {(chat: any) => void} options.onOpen called when the agent chooses a chat
   * @param {(count: number) => void} options.onCount gets the number of chats with unread messages
   */
  constructor({ root, more, empty, unmatched, api, companies, onOpen, onCount }) {
    this.root = root;
    this.more = more;
    this.empty = empty;
    this.unmatched = unmatched;
    this.api = api;
    this.onOpen = onOpen;
    this.onCount = onCount;
    this.companies = new Map(companies.map((company) => [company.id, company]));
    /** @type {Map<number, any>} */
    this.chats = new Map();
    this.filter = { status: 'open', company_id: '', q: '' };
    /** @type {number | null} */
    this.current = null; // the id of the chat that is open beside the list
    /** @type {number | null} */
    this.counted = null; // the same once the agent has joined it: the conversation counts its unread messages
    /** @type {URLSearchParams | null} */
    this.next = null; // the query for the next page
    this.generation = 0; // of `show`
    /** @type {any[] | null} */
    this.queue = null; // events that arrive while the list is being loaded
    /** @type {Map<number, {again: boolean}>} */
    this.fetching = new Map(); // requests for one chat, by its id
    more.addEventListener('click', () => this.loadMore());
    onNewDay(() => this.render(), { signal: new AbortController().signal }); // for the page's lifetime
  }

  /** Return whether all matching chats are loaded, so that they are sorted here. */
  get isLive() {
    return this.filter.status === 'open' && !this.filter.q;
  }

  /**
   * Load the chats that match a filter.
   *
   * @param {{status: string, company_id: string, q: string}} [filter] `status` is 'open', 'closed' or '' for both
   */
  async show(filter = this.filter) {
    this.filter = filter;
    this.generation += 1;
    const { generation } = this;
    this.queue ??= []; // the pages may lack events that arrive meanwhile
    const query = new URLSearchParams({ per_page: String(this.isLive ? OPEN_PAGE_SIZE : PAGE_SIZE) });
    for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
    try {
      const found = [];
      do {
        const page = await this.fetchPage(query);
        if (generation !== this.generation) return; // the filter has changed
        found.push(...page.data);
        query.set('cursor', page.next_cursor ?? '');
      } while (this.isLive && query.get('cursor') && found.length < MAX_OPEN);
      this.next = query.get('cursor') ? query : null;
      this.chats = new Map(found.map((chat) => [chat.id, chat]));
    } finally {
      if (generation === this.generation) this.catchUp();
    }
  }

  async loadMore() {
    const { generation, next: query } = this;
    const page = await this.fetchPage(query);
    if (generation !== this.generation) return;
    for (const chat of page.data) if (!this.chats.has(chat.id)) this.chats.set(chat.id, chat);
    query.set('cursor', page.next_cursor ?? '');
    this.next = page.next_cursor && query;
    this.render();
  }

  /** By cursor, so that a chat that leaves the list does not shift another one out of the next page. */
  fetchPage(query) {
    return this.api.get(`/api/chats?${query}`);
  }

  // --- Events ---

  /** Process the events that arrived while the list was being loaded; those that it includes change nothing. */
  catchUp() {
    const events = this.queue ?? [];
    this.queue = null;
    for (const event of events) this.handleEvent(event);
    this.render();
  }

  /** Process an event of any chat. */
  handleEvent(event) {
    if (event.member_seq) return; // the list shows nothing of the members' log
    if (this.queue) {
      this.queue.push(event);
      return;
    }
    const { seq, type, chat_id: id, data } = event;
    const chat = this.chats.get(id);
    if (seq <= chat?.last_seq) return; // the chat was fetched after the event
    if (!chat) {
      const mayMatch = ['chat.created', 'chat.reopened', 'message.created'].includes(type);
      if (mayMatch && !this.filter.q) this.fetch(id);
      return;
    }
    if (seq > chat.last_seq + 1 || this.needsCounting(chat, event)) {
      this.fetch(id);
      return;
    }
    chat.last_seq = seq;
    if (type === 'message.created') {
      chat.last_message = data;
      // Sending a message implies having read all before it.
      if (data.author.id === chat.chat_user_id) chat.unread_count = 0;
      else if (id !== this.counted) chat.unread_count += 1;
    } else if (type.startsWith('message.')) {
      if (chat.last_message?.id === data.id) chat.last_message = data;
    } else if (type.startsWith('chat.')) {
      Object.assign(chat, data);
      if (!this.matches(chat)) this.chats.delete(id);
    }
    this.render();
  }

  /** Return whether only the server can tell how an event changes the number of unread messages. */
  needsCounting(chat, { type, data }) {
    if (type === 'user.joined') return data.role === 'agent' && chat.chat_user_id === null; // it may be this agent
    return type === 'message.deleted' && chat.unread_count > 0 && chat.id !== this.counted;
  }

  /**
   * Process an ephemeral event.
   *
   * @returns {boolean} whether it reports that the agent has read a chat, here or elsewhere
   */
  handleEphemeral({ type, chat_id: id, data }) {
    const chat = this.chats.get(id);
    if (type !== 'read' || !chat || data.chat_user_id !== chat.chat_user_id) return false;
    if (id === this.counted || chat.unread_count === 0) return true;
    if (data.seq >= (chat.last_message?.seq ?? 0)) this.setUnread(id, 0);
    else this.fetch(id);
    return true;
  }

  /** Fetch the current state of a chat. */
  fetch(id) {
    const running = this.fetching.get(id);
    if (running) {
      running.again = true; // its response may lack the latest event
      return;
    }
    const request = { again: false };
    this.fetching.set(id, request);
    this.api
      .get(`/api/chats/${id}`)
      .catch(() => null)
      .then((chat) => {
        this.fetching.delete(id);
        if (request.again) this.fetch(id);
        if (!chat || (this.chats.get(id)?.last_seq ?? 0) > chat.last_seq) return;
        if (id === this.counted) chat.unread_count = this.chats.get(id)?.unread_count ?? 0;
        if (!this.matches(chat)) this.chats.delete(id);
        else if (this.chats.has(id) || !this.filter.q) this.chats.set(id, chat);
        this.render();
      });
  }

  /** Return whether a chat matches the filter, apart from the search, which only the server can evaluate. */
  matches(chat) {
    const { status, company_id: company } = this.filter;
    return (!status || chat.status === status) && (!company || chat.company_id === Number(company));
  }

  /** Set which chat user of a chat the agent is. */
  setChatUser(chatId, chatUserId) {
    const chat = this.chats.get(chatId);
    if (chat) chat.chat_user_id = chatUserId;
  }

  setUnread(id, count) {
    const chat = this.chats.get(id);
    if (!chat || chat.unread_count === count) return;
    chat.unread_count = count;
    this.render();
  }

  setCurrent(id) {
    this.current = id;
    this.render();
  }

  // --- Rendering ---

  sorted() {
    const chats = [...this.chats.values()];
    if (!this.isLive) return chats;
    const isUnread = (chat) => Number(chat.unread_count > 0);
    const time = (chat) => chat.last_message?.created_at ?? chat.created_at;
    const byTime = (a, b) => Number(time(b) > time(a)) - Number(time(a) > time(b));
    return chats.sort((a, b) => isUnread(b) - isUnread(a) || byTime(a, b) || b.id - a.id);
  }

  render() {
    /** @type {HTMLElement | null | undefined} */
    const focusedRow = document.activeElement?.closest('[data-chat]');
    const focused = focusedRow?.dataset.chat;
    this.root.replaceChildren(...this.sorted().map((chat) => this.renderRow(chat)));
    if (focused) this.focusRow(focused);
    this.more.hidden = !this.next;
    this.empty.hidden = this.chats.size > 0 || this.filter.q !== '';
    this.unmatched.hidden = this.chats.size > 0 || this.filter.q === '';
    this.onCount([...this.chats.values()].filter((chat) => chat.unread_count > 0).length);
  }

  /** @param {number | string | null} id a chat's */
  focusRow(id) {
    /** @type {HTMLElement | null} */ (this.root.querySelector(`[data-chat="${id}"]`))?.focus();
  }

  renderRow(chat) {
    const { last_message: last, unread_count: unread } = chat;
    const when = last?.created_at ?? chat.created_at;
    const preview = !last
      ? gettext('No messages yet')
      : last.text === null
        ? gettext('This message was deleted.')
        : shorten(summaryOf(last), 120);
    const company = this.companies.size > 1 ? this.companies.get(chat.company_id) : null;
    return element(
      'li',
      {},
      element(
        'button',
        {
          type: 'button',
          class: ['row', unread && 'unread', chat.id === this.current && 'current'].filter(Boolean).join(' '),
          'aria-current': chat.id === this.current ? 'true' : null,
          data: { chat: String(chat.id) },
          on: { click: () => this.onOpen(chat) },
        },
        element(
          'span',
          { class: 'row-top' },
          element('span', { class: 'row-name', title: titleOf(chat) }, bdi(titleOf(chat))),
          element('time', { class: 'quiet small', dateTime: when, title: formatDateTime(when) }, formatBrief(when)),
        ),
        element(
          'span',
          { class: 'row-text' },
          last ? element('bdi', { class: 'row-who' }, `${shorten(fullName(last.author), 30)}: `) : null,
          bdi(preview),
        ),
        company || chat.status === 'closed' || unread
          ? element(
              'span',
              { class: 'row-marks' },
              unread
                ? element(
                    'span',
                    { class: 'badge strong' },
                    interpolate(ngettext('%(n)s unread', '%(n)s unread', unread), { n: unread }),
                  )
                : null,
              chat.status === 'closed' ? element('span', { class: 'badge' }, gettext('Closed')) : null,
              company ? element('span', { class: 'badge' }, bdi(company.name)) : null,
            )
          : null,
      ),
    );
  }

  /**
   * The row `step` rows after the one that has the focus or, without a focused row, that is open.
   *
   * @param {1 | -1} step
   */
  neighbour(step) {
    const rows = /** @type {HTMLElement[]} */ ([...this.root.querySelectorAll('[data-chat]')]);
    const here = rows.findIndex((row) => row === document.activeElement || Number(row.dataset.chat) === this.current);
    const focused = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    return rows[(focused >= 0 ? focused : here) + step] ?? (here < 0 ? rows[0] : null);
  }
}

/** The name of a chat, or its number if it has none. */
export const titleOf = (chat) => chat.name || interpolate(gettext('Chat %(id)s'), { id: chat.id });
