// The chats of one's companies: those with unread messages first, kept live by events.

import { bdi, element } from '../chatapi/dom.js';
import { briefly, moment, onNewDay } from '../chatapi/times.js';
import { shorten } from '../chatapi/text.js';
import { gettext, interpolate, ngettext } from '../chatapi/words.js';
import { nameOf } from './message.js';

const PAGE = 249;
const MOST_OPEN = 1_000; // as many open chats are sorted here; with more, search finds them

export class InboxList {
  /** `root` holds the rows, `more` loads the next ones; `onOpen(chat)` when one is chosen, `onCount(n)`
   *  how many have something unread. */
  constructor({ root, more, empty, api, companies, onOpen, onCount }) {
    Object.assign(this, { root, more, empty, api, onOpen, onCount });
    this.companies = new Map(companies.map((company) => [company.id, company]));
    this.chats = new Map();
    this.asked = { status: 'open', company_id: '', q: '' };
    this.current = null; // the id of the chat that is open beside the list
    this.counted = null; // the same, once the agent has joined it
    this.next = null; // the next page, where the API's order is kept
    this.turn = 0;
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
    const query = new URLSearchParams({ per_page: String(this.live ? PAGE : 50) });
    for (const [name, value] of Object.entries(asked)) if (value) query.set(name, value);
    const found = [];
    let path = `/api/chats?${query}`;
    do {
      const page = await this.api.get(path);
      if (turn !== this.turn) return; // something else was asked for meanwhile
      found.push(...page.data);
      path = page.next_page_url && withoutOrigin(page.next_page_url);
    } while (this.live && path && found.length < MOST_OPEN);
    this.next = path;
    this.chats = new Map(found.map((chat) => [chat.id, chat]));
    this.draw();
  }

  async loadMore() {
    const { turn } = this;
    const page = await this.api.get(this.next);
    if (turn !== this.turn) return;
    for (const chat of page.data) this.chats.set(chat.id, chat);
    this.next = page.next_page_url && withoutOrigin(page.next_page_url);
    this.draw();
  }

  // --- What happens ---

  /** One event of any chat. */
  async happened({ type, chat_id: id, data }) {
    const chat = this.chats.get(id);
    if (!chat) {
      if (type === 'chat.created' || type === 'chat.reopened' || type === 'message.created') await this.fetch(id);
      return;
    }
    if (type === 'message.created') {
      if (chat.last_message && chat.last_message.seq >= data.seq) return; // told before
      chat.last_message = data;
      // What comes to an open conversation, that one counts; what an agent said may be one's own, in
      // another tab, and who sends has read what came before.
      if (id !== this.counted && !this.isMine(data)) {
        if (data.author.role === 'agent') await this.recount(chat);
        else chat.unread_count += 1;
      }
    } else if (type.startsWith('message.') && chat.last_message?.id === data.id) {
      chat.last_message = data;
    } else if (type.startsWith('chat.')) {
      Object.assign(chat, data);
      if (!this.fits(chat)) this.chats.delete(id);
    } else {
      return;
    }
    this.draw();
  }

  async fetch(id) {
    const chat = await this.api.get(`/api/chats/${id}`).catch(() => null);
    if (!chat || !this.fits(chat)) return;
    this.chats.set(id, chat);
    this.draw();
  }

  /** What is unread in a chat, as the server counts it. */
  async recount(chat) {
    const { unread_count: count } = await this.api.get(`/api/chats/${chat.id}`).catch(() => chat);
    chat.unread_count = count;
  }

  /** Whether a chat belongs to what is asked for; a search is the server's to answer. */
  fits(chat) {
    const { status, company_id: company, q } = this.asked;
    return !q && (!status || chat.status === status) && (!company || chat.company_id === Number(company));
  }

  /** The chat user that the agent is in a chat: what they write is not unread. */
  mineIs(chatId, chatUserId) {
    this.own ??= new Map();
    this.own.set(chatId, chatUserId);
  }

  isMine(message) {
    return this.own?.get(message.chat_id) === message.author.id;
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

/** The API's links name it by PUBLIC_URL; the page stays where it is. */
function withoutOrigin(url) {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
