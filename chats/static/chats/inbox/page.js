// The agents' inbox: the list of chats, one of them open beside it, both live.

import { BrowserApi } from '../../chatapi/api/browser-client.js';
import { find } from '../../chatapi/ui/dom.js';
import { Once } from '../../chatapi/stream/new-events.js';
import { SharedStream } from '../../chatapi/stream/shared.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { sentence } from '../conversation/errors.js';
import { InboxChat } from './chat.js';
import { InboxList, titleOf } from './list.js';
import { Notifications } from './notifications.js';
import { listen, showKeys } from './shortcuts.js';

const MOST_PRESENT = 20; // chats that one stream takes, of those that all tabs have open
const TYPED = 300; // milliseconds after the last letter of a search

const root = find('#inbox');
const said = find('#inbox-said');
const search = find('#inbox-search');
const status = find('#inbox-status');
const company = find('#inbox-company');
const plainTitle = document.title;

const api = new BrowserApi({ userId: root.dataset.user, csrf: find('input[name=csrfmiddlewaretoken]').value });
let list;
let opened = null;
let notifications;
let once;
let stream;
let leaving = false; // the page, as by logging out: what ends then is not begun again

async function begin() {
  await api.begin();
  const user = await api.get('/api/user');
  for (const { id, name } of user.companies) company.append(new Option(name, id));
  company.closest('label').hidden = user.companies.length < 2;
  list = new InboxList({
    root: find('#inbox-list'),
    more: find('#inbox-more'),
    empty: find('#inbox-empty'),
    api,
    companies: user.companies,
    onOpen: (chat) => open(user, chat.id),
    onCount: (count) => {
      document.title = count ? interpolate(gettext('(%(n)s) %(title)s'), { n: count, title: plainTitle }) : plainTitle;
    },
  });
  notifications = new Notifications({
    button: find('#inbox-notify'),
    userId: user.id,
    titleOf: (id) => (list.chats.has(id) ? titleOf(list.chats.get(id)) : interpolate(gettext('Chat %(id)s'), { id })),
    onOpen: (id) => open(user, id),
  });
  // The stream first: what happens while the list is on its way comes by it.
  const { last_id: place } = await api.get('/api/events?limit=1');
  once = new Once(place);
  stream = listenTo(user, place);
  await list.show();
  root.removeAttribute('aria-busy');
  wire(user);
  openFromAddress(user);
}

function listenTo(user, place) {
  return new SharedStream(`inbox:${user.id}`, {
    path: (open) => (open.length ? `/api/events?present_in=${open.slice(-MOST_PRESENT)}` : '/api/events'),
    token: () => api.token,
    after: place,
    signal: new AbortController().signal, // as long as the page is there
    onEvent: happened,
    onPassing: passed,
    onState: (state) => {
      if (state === 'offline') said.textContent = gettext('Reconnecting …');
      else if (state === 'live') said.textContent = '';
      opened?.connected(state);
    },
    onEnd: async () => {
      // The token of this browser has ended: on with another one, or to the log-in.
      if (leaving) return false;
      await api.renew().catch(() => {});
      return true;
    },
  });
}

function happened(event, id) {
  if (once.isNew(id)) notify(event);
  list.happened(event);
  if (opened?.chat.id === event.chat_id) opened.happened(event);
}

function notify({ type, chat_id: id, data }) {
  if (type === 'message.created' && data.author.role === 'guest') notifications.tell(data);
  else if (type === 'message.deleted') notifications.withdraw(id, data.seq);
}

function passed(event) {
  if (list.isRead(event)) notifications.withdraw(event.chat_id, event.data.seq);
  if (opened?.chat.id === event.chat_id) opened.passed(event);
}

// --- The chat beside the list ---

async function open(user, id, { keepAddress = false } = {}) {
  if (list.current === id) {
    opened?.focus(); // or it opens just now
    return;
  }
  close();
  if (!keepAddress) history.pushState(null, '', `#chat=${id}`);
  root.classList.add('with-chat');
  list.setCurrent(id);
  find('#inbox-nothing').hidden = true;
  try {
    const chat = await api.get(`/api/chats/${id}`);
    if (list.current !== id) return; // another one was chosen meanwhile
    stream.setOpen([id]);
    opened = new InboxChat(find('#inbox-chat'), {
      api,
      user,
      chat,
      state: stream.state,
      onUnread: (count) => list.setUnread(id, count),
      onJoined: (me) => {
        stream.setOpen([id]); // now as one who is there
        list.mineIs(id, me.id);
        list.counted = id;
      },
      onBack: () => history.back(),
    });
    await opened.open();
  } catch (error) {
    if (list.current !== id) return;
    leave();
    said.textContent = sentence(error);
  }
}

function close() {
  opened?.close();
  opened = null;
  if (list) list.counted = null;
}

function leave() {
  close();
  stream.setOpen([]);
  root.classList.remove('with-chat');
  find('#inbox-nothing').hidden = false;
  const former = list.current;
  list.setCurrent(null);
  find('#inbox-list').querySelector(`[data-chat="${former}"]`)?.focus();
}

function openFromAddress(user) {
  const id = Number(new URLSearchParams(location.hash.slice(1)).get('chat'));
  if (id) open(user, id, { keepAddress: true });
  else if (list.current) leave();
}

// --- What the agent does ---

function wire(user) {
  addEventListener('beforeunload', () => {
    leaving = true;
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload(); // brought back as it was left: without its stream
  });
  addEventListener('popstate', () => openFromAddress(user));
  let clock;
  const ask = () =>
    list
      .show({ status: status.value, company_id: company.value, q: search.value.trim() })
      .then(() => {
        said.textContent = '';
      })
      .catch((error) => {
        said.textContent = sentence(error);
      });
  search.addEventListener('input', () => {
    clearTimeout(clock);
    clock = setTimeout(ask, TYPED);
  });
  status.addEventListener('change', ask);
  company.addEventListener('change', ask);
  find('#inbox-list').addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    list.neighbour(step)?.focus();
  });
  find('#inbox-keys').addEventListener('click', showKeys);
  listen({
    j: () => list.neighbour(1)?.focus(),
    k: () => list.neighbour(-1)?.focus(),
    '/': () => search.focus(),
    r: () => opened?.focus(),
    e: () => opened?.setStatus(),
    '?': showKeys,
  });
}

begin().catch((error) => {
  root.removeAttribute('aria-busy');
  said.textContent = sentence(error);
});
