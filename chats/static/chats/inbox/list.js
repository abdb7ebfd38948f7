// The chats of one's companies: those with unread messages first, kept live by events.

import { bdi, element } from '../../chatapi/ui/dom.js';
import { briefly, moment, onNewDay } from '../../chatapi/text/times.js';
import { shorten } from '../../chatapi/text/text.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { nameOf } from '../conversation/message.js';

const PAGE = 249;
const MOST_OPEN = 1_000; // as many open chats are sorted here; with more, search finds them

export class InboxList {
  /** `root` holds the rows, `more` loads the next ones; `onOpen(chat)` when one is chosen, `onCount(n)` how many
   *  have something unread. */
  constructor({ root, more, empty, api, companies, onOpen, onCount }) {
    Object.assign(this, { root, more, empty, api, onOpen, onCount });
    this.companies = new Map(companies.map((company) => [company.id, company]));
    this.chats = new Map();
    this.asked = { status: 'open', company_id: '', q: '' };
    this.current = null; // the id of the chat that is open beside the list
    this.counted = null; // the same, once the agent has joined it
    this.next = null; // the next page, where the API's order is kept
    this.turn = 0;
    this.meanwhile = null; // events that wait until the list has been loaded
    more.addEventListener('click', () => this.loadMore());
    onNewDay(() => this.draw(), { signal: new AbortController().signal }); // as long as the page is open
  }

  get live() {
    return this.asked.status === 'open' && !this.asked.q;
  }

  /** Show what is asked for: {status: 'open'|'closed'|'', company_id, q}. */
  async show(asked = this.asked) {
    this.asked = asked;
    this.turn += 1;
    const { turn } = this;
    this.meanwhile ??= []; // events that the pages may not have in them
    const query = new URLSearchParams({ per_page: String(this.live ? PAGE : 50) });
    for (const [name, value] of Object.entries(asked)) if (value) query.set(name, value);
    try {
      const found = [];
      do {
        const page = await this.page(query);
        if (turn !== this.turn) return; // something else was asked for meanwhile
        found.push(...page.data);
        query.set('cursor', page.next_cursor ?? '');
      } while (this.live && query.get('cursor') && found.length < MOST_OPEN);
      this.next = query.get('cursor') ? query : null;
      this.chats = new Map(found.map((chat) => [chat.id, chat]));
    } finally {
      if (turn === this.turn) this.catchUp();
    }
  }

  async loadMore() {
    const { turn, next: query } = this;
    const page = await this.page(query);
    if (turn !== this.turn) return;
    for (const chat of page.data) if (!this.chats.has(chat.id)) this.chats.set(chat.id, chat);
    query.set('cursor', page.next_cursor ?? '');
    this.next = page.next_cursor && query;
    this.draw();
  }

  /** By a cursor: a chat that leaves the list meanwhile moves no other one out of the next page. */
  page(query) {
    return this.api.get(`/api/chats?${query}`);
  }

  // --- What happens ---

  /** Take the events that came while the list was on its way; what it knows already changes nothing. */
  catchUp() {
    const events = this.meanwhile ?? [];
    this.meanwhile = null;
    for (const event of events) this.happened(event);
    this.draw();
  }

  /** One event of any chat. */
  happened(event) {
    if (this.meanwhile) {
      this.meanwhile.push(event);
      return;
    }
    const { seq, type, chat_id: id, data } = event;
    const chat = this.chats.get(id);
    if (seq <= chat?.last_seq) return; // the chat as it is known was asked for later
    if (!chat) {
      const appears = ['chat.created', 'chat.reopened', 'message.created'].includes(type);
      if (appears && !this.asked.q) this.fetch(id);
      return;
    }
    if (seq > chat.last_seq + 1 || this.needsCounting(chat, event)) {
      this.fetch(id);
      return;
    }
    chat.last_seq = seq;
    if (type === 'message.created') {
      chat.last_message = data;
      if (data.author.id === chat.chat_user_id) chat.unread_count = 0; // who sends has read what came before
      else if (id !== this.counted) chat.unread_count += 1;
    } else if (type.startsWith('message.')) {
      if (chat.last_message?.id === data.id) chat.last_message = data;
    } else if (type.startsWith('chat.')) {
      Object.assign(chat, data);
      if (!this.fits(chat)) this.chats.delete(id);
    }
    this.draw();
  }

  /** Whether only the server knows what an event means for what is unread. */
  needsCounting(chat, { type, data }) {
    if (type === 'user.joined') return data.role === 'agent' && chat.chat_user_id === null; // it may be the reader
    return type === 'message.deleted' && chat.unread_count > 0 && chat.id !== this.counted;
  }

  /** Whether an event without an id says that the reader has read a chat, here or elsewhere. */
  isRead({ type, chat_id: id, data }) {
    const chat = this.chats.get(id);
    if (type !== 'read' || !chat || data.chat_user_id !== chat.chat_user_id) return false;
    if (id === this.counted || chat.unread_count === 0) return true;
    if (data.seq >= (chat.last_message?.seq ?? 0)) this.setUnread(id, 0);
    else this.fetch(id);
    return true;
  }

  /** Have a chat as the server knows it now. */
  fetch(id) {
    this.fetching ??= new Map();
    const asked = this.fetching.get(id);
    if (asked) {
      asked.again = true; // what happened now may be missing in the answer
      return;
    }
    const asking = { again: false };
    this.fetching.set(id, asking);
    this.api
      .get(`/api/chats/${id}`)
      .catch(() => null)
      .then((chat) => {
        this.fetching.delete(id);
        if (asking.again) this.fetch(id);
        if (!chat || (this.chats.get(id)?.last_seq ?? 0) > chat.last_seq) return;
        if (id === this.counted) chat.unread_count = this.chats.get(id)?.unread_count ?? 0;
        if (!this.fits(chat)) this.chats.delete(id);
        else if (this.chats.has(id) || !this.asked.q) this.chats.set(id, chat);
        this.draw();
      });
  }

  /** Whether a chat belongs to what is asked for, but for the words searched: these are the server's to find. */
  fits(chat) {
    const { status, company_id: company } = this.asked;
    return (!status || chat.status === status) && (!company || chat.company_id === Number(company));
  }

  /** The agent is this chat user of a chat: what they write is not unread. */
  mineIs(chatId, chatUserId) {
    const chat = this.chats.get(chatId);
    if (chat) chat.chat_user_id = chatUserId;
  }

  setUnread(id, count) {
    const chat = this.chats.get(id);
    if (!chat || chat.unread_count === count) return;
    chat.unread_count = count;
    this.draw();
  }

  setCurrent(id) {
    this.current = id;
    this.draw();
  }

  // --- What is shown ---

  sorted() {
    const chats = [...this.chats.values()];
    if (!this.live) return chats;
    const time = (chat) => chat.last_message?.created_at ?? chat.created_at;
    return chats.sort((a, b) => Boolean(b.unread_count) - Boolean(a.unread_count) || (time(a) < time(b) ? 1 : -1));
  }

  draw() {
    const focused = document.activeElement?.closest?.('[data-chat]')?.dataset.chat;
    this.root.replaceChildren(...this.sorted().map((chat) => this.row(chat)));
    if (focused) this.root.querySelector(`[data-chat="${focused}"]`)?.focus();
    this.more.hidden = !this.next;
    this.empty.hidden = this.chats.size > 0;
    this.onCount([...this.chats.values()].filter((chat) => chat.unread_count > 0).length);
  }

  row(chat) {
    const { last_message: last, unread_count: unread } = chat;
    const when = last?.created_at ?? chat.created_at;
    const said = !last
      ? gettext('No message yet')
      : last.text === null
        ? gettext('This message was deleted.')
        : shorten(last.text, 120);
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
          element('time', { class: 'quiet small', dateTime: when, title: moment(when) }, briefly(when)),
        ),
        element(
          'span',
          { class: 'row-text' },
          last ? element('bdi', { class: 'row-who' }, `${shorten(nameOf(last.author), 30)}: `) : null,
          bdi(said),
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

  /** The chat that stands `step` places from the one that has the focus, or is open. */
  neighbour(step) {
    const rows = [...this.root.querySelectorAll('[data-chat]')];
    const here = rows.findIndex((row) => row === document.activeElement || Number(row.dataset.chat) === this.current);
    const focused = rows.indexOf(document.activeElement);
    return rows[(focused >= 0 ? focused : here) + step] ?? (here < 0 ? rows[0] : null);
  }
}

/** What a chat is called in a list. */
export const titleOf = (chat) => chat.name || interpolate(gettext('Chat %(id)s'), { id: chat.id });
