// The agents' inbox: the list of chats and, beside it, the open chat. One stream keeps both up to date.

import { BrowserApi } from '../../chatapi/api/browser-client.js';
import { Deduplicator } from '../../chatapi/stream/deduplicator.js';
import { SharedStream } from '../../chatapi/stream/shared.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { find } from '../../chatapi/ui/dom.js';
import { describeError } from '../conversation/errors.js';
import { fullName } from '../conversation/message.js';
import { InboxChat } from './chat.js';
import { InboxList, titleOf } from './list.js';
import { Notifications } from './notifications.js';
import { listenToKeys, showKeys } from './shortcuts.js';

const MAX_PRESENCE = 20; // the API's maximum of chats whose presence one stream reports
const SEARCH_DELAY = 300; // milliseconds after the last key press

const root = find('#inbox');
const notice = find('#inbox-said');
const searchField = find('#inbox-search');
const status = find('#inbox-status');
const company = find('#inbox-company');
const rows = find('.inbox-scroll');
const originalTitle = document.title;

const api = new BrowserApi({ userId: root.dataset.user, csrf: find('input[name=csrfmiddlewaretoken]').value });
/** @type {InboxList} */
let list;
/** @type {import('./search.js').MessageSearch | null} */
let messages = null; // until the agent searches
/** @type {InboxChat | null} */
let opened = null;
let opening = Promise.resolve(); // until the chat beside the list has been opened
/** @type {Notifications} */
let notifications;
/** @type {Set<number>} */
const mentionedIn = new Set(); // ids of the notes that mention the agent, as far as there were events of them
/** @type {Deduplicator} */
let deduplicator;
/** @type {SharedStream} */
let stream;
let leaving = false; // the page, as at log-out: its token is not renewed then

async function start() {
  await api.authenticate();
  const user = await api.get('/api/user');
  for (const { id, name } of user.companies) company.append(new Option(name, id));
  company.closest('label').hidden = user.companies.length < 2;
  list = new InboxList({
    root: find('#inbox-list'),
    more: find('#inbox-more'),
    empty: find('#inbox-empty'),
    unmatched: find('#inbox-unmatched'),
    api,
    companies: user.companies,
    onOpen: (chat) => open(user, chat.id),
    onCount: (count) => {
      document.title = count
        ? interpolate(gettext('(%(n)s) %(title)s'), { n: count, title: originalTitle })
        : originalTitle;
    },
  });
  notifications = new Notifications({
    button: find('#inbox-notify'),
    userId: user.id,
    titleOf: (id) => (list.chats.has(id) ? titleOf(list.chats.get(id)) : interpolate(gettext('Chat %(id)s'), { id })),
    onOpen: (id) => open(user, id),
  });
  // Open the stream first: it delivers what happens while the list is being loaded.
  const { last_id: position } = await api.get('/api/events?limit=1');
  deduplicator = new Deduplicator(position);
  stream = openStream(user, position);
  await list.show();
  root.removeAttribute('aria-busy');
  addListeners(user);
  openFromAddress(user);
}

function openStream(user, position) {
  return new SharedStream(`inbox:${user.id}`, {
    path: (open) => (open.length ? `/api/events?present_in=${open.slice(-MAX_PRESENCE)}` : '/api/events'),
    token: () => api.token,
    after: position,
    signal: new AbortController().signal, // for the page's lifetime
    onEvent: (event, id) => handleEvent(user, event, id),
    onEphemeral: handleEphemeral,
    onState: (state) => {
      // Opening a chat connects again, so an error that is shown has to stay.
      const reconnecting = gettext('Reconnecting …');
      if (state === 'disconnected') notice.textContent = reconnecting;
      else if (state === 'connected' && notice.textContent === reconnecting) notice.textContent = '';
      opened?.handleState(state);
    },
    onEnd: async () => {
      // The token has expired: continue with a new one, or go to the log-in.
      if (leaving) return false;
      await api.renew().catch(() => {});
      return true;
    },
  });
}

function handleEvent(user, event, id) {
  if (deduplicator.isNew(id)) notify(user, event);
  list.handleEvent(event);
  messages?.handleEvent(event);
  if (opened?.chat.id === event.chat_id) opened.handleEvent(event);
}

function notify(user, { type, chat_id: id, data }) {
  if (type === 'message.created' && data.author.role === 'guest') notifications.notify(data);
  else if (type.startsWith('note.')) notifyOfNote(user, data);
  else if (type === 'mention.created' && data.mentions.includes(user.id)) notifyOfMention(id, data);
  else if (type === 'message.deleted') notifications.withdrawDeleted(data);
}

/** Notify of a note that mentions the agent, unless an earlier version of it did. */
function notifyOfNote(user, note) {
  const { id, author, mentions } = note;
  const known = mentionedIn.has(id) || opened?.notes.notes.get(id)?.mentions.includes(user.id);
  if (!mentions.includes(user.id)) {
    mentionedIn.delete(id);
    notifications.withdrawDeleted(note); // or the mention was
    return;
  }
  mentionedIn.add(id);
  if (!known && author?.id !== user.id) notifications.notify({ ...note, mentionedBy: author?.name });
}

async function notifyOfMention(chatId, { message_id: id, author }) {
  const message = await api.get(`/api/chats/${chatId}/messages/${id}`).catch(() => null);
  if (message) notifications.notify({ ...message, mentionedBy: fullName(author) });
}

function handleEphemeral(event) {
  if (list.handleEphemeral(event)) notifications.withdraw(event.chat_id, event.data.seq);
  if (opened?.chat.id === event.chat_id) opened.handleEphemeral(event);
}

// --- The chat beside the list ---

function open(user, id, { keepAddress = false } = {}) {
  if (list.current === id) {
    opened?.focus(); // null while it is being opened
    return;
  }
  close();
  if (!keepAddress) history.pushState(null, '', `#chat=${id}`);
  opening = load(user, id);
}

async function load(user, id) {
  root.classList.add('with-chat');
  list.setCurrent(id);
  find('#inbox-nothing').hidden = true;
  try {
    const chat = await api.get(`/api/chats/${id}`);
    if (list.current !== id) return; // the agent has chosen another chat
    stream.setOpen([id]);
    opened = new InboxChat(find('#inbox-chat'), {
      api,
      user,
      chat,
      state: stream.state,
      onUnread: (count) => list.setUnread(id, count),
      onJoined: (me) => {
        stream.setOpen([id]); // reconnect, so that the stream reports the agent as present
        list.setChatUser(id, me.id);
        list.counted = id;
      },
      onBack: () => history.back(),
    });
    await opened.open();
  } catch (error) {
    if (list.current !== id) return;
    leave();
    notice.textContent = describeError(error);
  }
}

/** Open a chat at one of its messages or notes. */
async function openAt(user, found) {
  const { chat_id: chatId } = found;
  if (list.current !== chatId) open(user, chatId);
  messages.setCurrent(found);
  await opening;
  if (list.current === chatId && messages.current === found) opened?.goTo(found);
}

function close() {
  messages?.setCurrent(null);
  opened?.close();
  opened = null;
  if (list) list.counted = null;
}

function leave() {
  const hit = messages?.currentButton; // the agent has come from there, not from the chat's row
  close();
  stream.setOpen([]);
  root.classList.remove('with-chat');
  find('#inbox-nothing').hidden = false;
  const former = list.current;
  list.setCurrent(null);
  if (hit) hit.focus();
  else list.focusRow(former);
}

function openFromAddress(user) {
  const id = Number(new URLSearchParams(location.hash.slice(1)).get('chat'));
  if (id) open(user, id, { keepAddress: true });
  else if (list.current) leave();
}

// --- Input ---

function addListeners(user) {
  addEventListener('beforeunload', () => {
    leaving = true;
  });
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload(); // restored from the back/forward cache, without its stream
  });
  addEventListener('popstate', () => openFromAddress(user));
  let timer;
  const searchChats = () =>
    list
      .show({ status: status.value, company_id: company.value, q: searchField.value.trim() })
      .then(() => {
        notice.textContent = '';
      })
      .catch((error) => {
        notice.textContent = describeError(error);
      });
  const search = () => {
    rows.scrollTop = 0;
    searchChats();
    searchMessages(user).catch((error) => {
      notice.textContent = describeError(error);
    });
  };
  searchField.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(search, SEARCH_DELAY);
  });
  status.addEventListener('change', searchChats); // messages have no status
  company.addEventListener('change', search);
  rows.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const focused = event.target.closest('.row');
    if (!step || !focused) return;
    event.preventDefault();
    const all = [...rows.querySelectorAll('.row')]; // chats, and the messages that match a search
    all[all.indexOf(focused) + step]?.focus();
  });
  find('#inbox-keys').addEventListener('click', showKeys);
  listenToKeys({
    j: () => list.neighbour(1)?.focus(),
    k: () => list.neighbour(-1)?.focus(),
    '/': () => searchField.focus(),
    r: () => opened?.focus(),
    n: () => opened?.writeNote(),
    e: () => opened?.setStatus(),
    '?': showKeys,
  });
}

async function searchMessages(user) {
  if (!messages && !searchField.value.trim()) return;
  const { MessageSearch } = await import('./search.js');
  messages ??= new MessageSearch({
    root: find('#inbox-messages'),
    api,
    companies: user.companies,
    onOpen: (message) => openAt(user, message),
  });
  await messages.show({ q: searchField.value.trim(), company_id: company.value });
}

start().catch((error) => {
  root.removeAttribute('aria-busy');
  notice.textContent = describeError(error);
});
