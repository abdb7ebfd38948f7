import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { element } from '../../../chatapi/static/chatapi/ui/dom.js';
import { settle } from '../../../chatapi/tests/js/browser.js';
import { InboxList, titleOf } from '../../static/chats/inbox/list.js';

const GINA = { id: 50, first_name: 'Gina', last_name: 'Guest' };
mock.timers.enable({ apis: ['setInterval'] }); // a real one would keep the process running

let server; // the chats that the API has, by id
let requested;
let list;
let count;

const message = (seq, author = GINA) => ({
  id: seq,
  seq,
  author,
  text: `Text ${seq}`,
  created_at: `2026-01-01T00:00:${seq}Z`,
});
const chat = (id, fields = {}) => ({
  id,
  name: `Chat ${id}`,
  status: 'open',
  company_id: 1,
  chat_user_id: null,
  unread_count: 0,
  last_seq: 10,
  last_message: { ...message(10), created_at: `2026-01-01T00:00:0${9 - id}Z` },
  created_at: '2026-01-01T00:00:00Z',
  ...fields,
});
const event = (seq, type, data, chatId = 1) => ({ seq, type, chat_id: chatId, data });

beforeEach(async () => {
  server = new Map([1, 2, 3].map((id) => [id, chat(id)]));
  requested = [];
  const api = {
    get: async (path) => {
      requested.push(path);
      const [, id] = /^\/api\/chats\/(\d+)$/.exec(path) ?? [];
      if (!id) return { data: structuredClone([...server.values()]), next_cursor: null };
      if (!server.has(Number(id))) throw new Error('not found');
      return structuredClone(server.get(Number(id)));
    },
  };
  list = new InboxList({
    root: element('ul'),
    more: element('button'),
    empty: element('p'),
    unmatched: element('p'),
    api,
    companies: [{ id: 1, name: 'Acme' }],
    onOpen: () => {},
    onCount: (value) => {
      count = value;
    },
  });
  await list.show();
  requested = [];
});

const order = () => list.sorted().map(({ id }) => id);

test('a new message counts, and its chat comes first', () => {
  list.handleEvent(event(11, 'message.created', message(11), 2));
  assert.deepEqual(order(), [2, 1, 3]);
  assert.equal(list.chats.get(2).unread_count, 1);
  assert.equal(count, 1);
  assert.deepEqual(requested, []);
});

test('an event that the chat includes changes nothing', () => {
  list.handleEvent(event(10, 'message.created', message(10), 2));
  assert.equal(list.chats.get(2).unread_count, 0);
});

test('a gap has the chat fetched', async () => {
  server.set(2, chat(2, { unread_count: 5, last_seq: 15 }));
  list.handleEvent(event(15, 'message.created', message(15), 2));
  await settle();
  assert.deepEqual(requested, ['/api/chats/2']);
  assert.deepEqual([list.chats.get(2).unread_count, list.chats.get(2).last_seq], [5, 15]);
});

test('an event during a request has the chat fetched again', async () => {
  server.set(2, chat(2, { last_seq: 15 }));
  list.handleEvent(event(15, 'message.created', message(15), 2));
  list.handleEvent(event(16, 'message.created', message(16), 2));
  await settle();
  assert.equal(requested.length, 2);
});

test('the agent’s own message reads the chat', () => {
  list.setChatUser(1, 60);
  list.setUnread(1, 4);
  list.handleEvent(event(11, 'message.created', message(11, { ...GINA, id: 60 })));
  assert.equal(list.chats.get(1).unread_count, 0);
});

test('the conversation counts the open chat, not the list', () => {
  list.counted = 1;
  list.handleEvent(event(11, 'message.created', message(11)));
  assert.equal(list.chats.get(1).unread_count, 0);
  list.setUnread(1, 3);
  assert.equal(count, 1);
});

test('edits and deletions change the last message', () => {
  list.handleEvent(event(11, 'message.updated', { ...message(10), text: 'Edited' }));
  assert.equal(list.chats.get(1).last_message.text, 'Edited');
  list.handleEvent(event(12, 'message.deleted', { ...message(10), text: null }));
  assert.equal(list.chats.get(1).last_message.text, null);
});

test('only the server knows whether a deleted message was unread', async () => {
  list.setUnread(1, 2);
  server.set(1, chat(1, { unread_count: 1, last_seq: 11 }));
  list.handleEvent(event(11, 'message.deleted', { ...message(9), text: null }));
  await settle();
  assert.deepEqual(requested, ['/api/chats/1']);
  assert.equal(list.chats.get(1).unread_count, 1);
});

test('a closed chat leaves the open ones, and comes back when it is reopened', async () => {
  list.handleEvent(event(11, 'chat.closed', { status: 'closed' }));
  assert.deepEqual(order().sort(), [2, 3]);
  server.set(1, chat(1, { last_seq: 12 }));
  list.handleEvent(event(12, 'chat.reopened', { status: 'open' }));
  await settle();
  assert.deepEqual(order().sort(), [1, 2, 3]);
});

test('a new chat appears, unless the list shows a search', async () => {
  server.set(4, chat(4, { last_seq: 1 }));
  list.handleEvent(event(1, 'chat.created', {}, 4));
  await settle();
  assert.ok(list.chats.has(4));
  server.set(5, chat(5, { last_seq: 1 }));
  await list.show({ status: 'open', company_id: '', q: 'word' });
  list.chats.delete(5);
  list.handleEvent(event(1, 'chat.created', {}, 5));
  await settle();
  assert.ok(!list.chats.has(5));
});

test('a search that finds no chats says so, and an empty list says something else', async () => {
  const shown = () => [list.empty, list.unmatched].map(({ hidden }) => !hidden);
  assert.deepEqual(shown(), [false, false]);
  server.clear();
  await list.show({ status: 'open', company_id: '', q: '' });
  assert.deepEqual(shown(), [true, false]);
  await list.show({ status: 'open', company_id: '', q: 'word' });
  assert.deepEqual(shown(), [false, true]);
});

test('a chat of another company does not appear', async () => {
  await list.show({ status: 'open', company_id: '1', q: '' });
  server.set(4, chat(4, { company_id: 2, last_seq: 1 }));
  list.handleEvent(event(1, 'chat.created', {}, 4));
  await settle();
  assert.ok(!list.chats.has(4));
});

test('events that arrive while the list is loaded are not lost', async () => {
  const loading = list.show();
  list.handleEvent(event(11, 'message.created', message(11), 3));
  await loading;
  assert.equal(list.chats.get(3).unread_count, 1);
});

test('only the last filter counts', async () => {
  const first = list.show({ status: 'closed', company_id: '', q: '' });
  const second = list.show({ status: '', company_id: '', q: '' });
  await Promise.all([first, second]);
  assert.equal(list.filter.status, '');
  assert.equal(requested.length, 2);
  assert.equal(list.queue, null);
});

test('reading a chat elsewhere clears its count, or has it counted', async () => {
  list.setChatUser(1, 60);
  const read = (seq, user = 60) =>
    list.handleEphemeral({ type: 'read', chat_id: 1, data: { chat_user_id: user, seq } });
  list.setUnread(1, 2);
  assert.equal(read(10, 61), false); // somebody else
  assert.equal(list.chats.get(1).unread_count, 2);
  assert.equal(read(10), true);
  assert.equal(list.chats.get(1).unread_count, 0);
  list.setUnread(1, 2);
  server.set(1, chat(1, { chat_user_id: 60, unread_count: 1 }));
  assert.equal(read(9), true);
  await settle();
  assert.equal(list.chats.get(1).unread_count, 1);
  assert.equal(list.handleEphemeral({ type: 'typing', chat_id: 1, data: {} }), false);
});

test('a chat without a name is called by its number', () => {
  assert.deepEqual([chat(1), { id: 7, name: '' }].map(titleOf), ['Chat 1', 'Chat 7']);
  assert.equal(titleOf({ id: 8, name: 'Order' }), 'Order');
});
