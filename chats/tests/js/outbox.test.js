import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { ApiError, OfflineError } from '../../../chatapi/static/chatapi/api/client.js';
import { getStored, setStored } from '../../../chatapi/static/chatapi/storage/storage.js';
import { settle } from '../../../chatapi/tests/js/browser.js';
import { Outbox } from '../../static/chats/conversation/outbox.js';
import { isQuoteRefused } from '../../static/chats/conversation/pending.js';

const KEY = 'outbox';
const OFFLINE = new OfflineError('down');
let attempts; // [text, key, quote] of each attempt
let errors; // what the next attempts reject with
let sent;
let outbox;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  attempts = [];
  errors = [];
  sent = [];
  setStored(KEY, null);
  outbox = create();
});

afterEach(() => {
  outbox.close();
  mock.timers.reset();
});

function create() {
  return new Outbox({
    storageKey: KEY,
    send: async ({ text, key, quote }) => {
      attempts.push([text, key, quote]);
      if (errors.length) throw errors.shift();
      return { text };
    },
    onChange: () => {},
    onSent: (message) => sent.push(message.text),
  });
}

const states = () => outbox.items.map(({ text, state }) => `${text} ${state}`);

test('messages are sent in order, each with a key of its own', async () => {
  for (const text of ['a', 'b', 'c']) outbox.add(text);
  await settle();
  assert.deepEqual(sent, ['a', 'b', 'c']);
  assert.equal(new Set(attempts.map(([, key]) => key)).size, 3);
  assert.deepEqual([outbox.items, getStored(KEY)], [[], null]);
});

test('a message that fails is repeated with the same key, before all later ones', async () => {
  errors = [OFFLINE, new ApiError(503, {}, null)];
  outbox.add('a');
  outbox.add('b');
  await settle();
  assert.deepEqual(states(), ['a waiting', 'b waiting']);
  mock.timers.tick(1_000);
  await settle();
  assert.deepEqual(sent, []);
  mock.timers.tick(2_000);
  await settle();
  assert.deepEqual(sent, ['a', 'b']);
  assert.deepEqual(
    attempts.map(([text]) => text),
    ['a', 'a', 'a', 'b'],
  );
  assert.equal(new Set(attempts.map(([, key]) => key)).size, 2);
});

test('the delay doubles up to 15 s, or is what the server asks for', async () => {
  errors = Array(6).fill(OFFLINE);
  outbox.add('a');
  const delays = [];
  for (let count = 1; count <= 6; count += 1) {
    let delay = 0;
    await settle();
    while (attempts.length === count) {
      mock.timers.tick(500);
      delay += 0.5;
      await settle();
    }
    delays.push(delay);
  }
  assert.deepEqual(delays, [1, 2, 4, 8, 15, 15]);
  errors = [new ApiError(429, {}, 30)];
  outbox.add('b');
  await settle();
  mock.timers.tick(29_999);
  await settle();
  assert.deepEqual(sent, ['a']);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(sent, ['a', 'b']);
});

test('retryNow ends the wait', async () => {
  errors = [OFFLINE];
  outbox.add('a');
  await settle();
  outbox.retryNow();
  await settle();
  assert.deepEqual(sent, ['a']);
});

test('a refused message does not hold up the others, and can be retried or discarded', async () => {
  const refusal = new ApiError(422, { message: 'Too long.' }, null);
  errors = [refusal];
  outbox.add('a');
  outbox.add('b');
  await settle();
  assert.deepEqual([states(), sent], [['a refused'], ['b']]);
  assert.equal(outbox.items[0].reason, refusal);
  errors = [refusal];
  outbox.retry(outbox.items[0]);
  await settle();
  assert.deepEqual(states(), ['a refused']);
  outbox.retry(outbox.items[0]);
  await settle();
  assert.deepEqual(sent, ['b', 'a']);
  errors = [refusal];
  outbox.add('c');
  await settle();
  outbox.discard(outbox.items[0]);
  assert.deepEqual([outbox.items, getStored(KEY)], [[], null]);
});

test('a token that is no longer valid leaves the messages to the next outbox', async () => {
  errors = [new ApiError(401, {}, null)];
  outbox.add('a');
  outbox.add('b');
  await settle();
  assert.deepEqual(states(), ['a waiting', 'b waiting']);
  assert.equal(attempts.length, 1);
  const [, key] = attempts[0];
  const next = create();
  next.run();
  await settle();
  assert.deepEqual(sent, ['a', 'b']);
  assert.equal(attempts[1][1], key);
  next.close();
});

test('messages survive a reload, also those of another tab', async () => {
  errors = [OFFLINE];
  outbox.add('mine');
  await settle();
  setStored(KEY, [...getStored(KEY), { key: 'k', text: 'from another tab', at: '2026-01-01T00:00:00Z' }]);
  outbox.retryNow();
  await settle();
  assert.deepEqual(
    getStored(KEY).map(({ text }) => text),
    ['from another tab'],
  );
  const next = create();
  next.run();
  await settle();
  assert.deepEqual(sent, ['mine', 'from another tab']);
  assert.equal(getStored(KEY), null);
  next.close();
});

test('a reply keeps its quote in storage and at each attempt', async () => {
  const quote = { id: 3, seq: 9, author: { id: 7 }, text: 'Hello' };
  errors = [OFFLINE, OFFLINE];
  outbox.add('a', quote);
  outbox.add('b');
  await settle();
  assert.deepEqual(
    getStored(KEY).map((item) => item.quote),
    [quote, undefined],
  );
  const edited = { ...quote, text: 'Hello!' };
  outbox.requote(edited);
  outbox.requote({ ...quote, id: 4 });
  outbox.close();
  const next = create();
  next.run();
  await settle();
  mock.timers.tick(1_000);
  await settle();
  assert.deepEqual(
    attempts.map(([, , each]) => each),
    [quote, edited, edited, undefined],
  );
  assert.equal(new Set(attempts.slice(0, 3).map(([, key]) => key)).size, 1);
  next.close();
});

test('a refused reply can be sent without its quote', async () => {
  const refusal = new ApiError(422, { errors: { reply_to_id: ['It was deleted.'] } }, null);
  assert.ok(isQuoteRefused(refusal));
  assert.ok(!isQuoteRefused(new ApiError(422, { errors: { text: ['Too long.'] } }, null)));
  assert.ok(!isQuoteRefused(new Error('a bug')));
  errors = [refusal];
  outbox.add('a', { id: 3, seq: 9, author: { id: 7 }, text: 'Hello' });
  await settle();
  assert.deepEqual(states(), ['a refused']);
  outbox.retryWithoutQuote(outbox.items[0]);
  await settle();
  assert.deepEqual([sent, attempts[1][2]], [['a'], undefined]);
});

test('nothing is sent after the close', async () => {
  errors = [OFFLINE];
  outbox.add('a');
  await settle();
  outbox.close();
  mock.timers.tick(60_000);
  await settle();
  assert.equal(attempts.length, 1);
});

test('without randomUUID a key is as long', async (context) => {
  const { randomUUID } = crypto;
  context.after(() => {
    crypto.randomUUID = randomUUID;
  });
  crypto.randomUUID = undefined;
  outbox.add('a');
  outbox.add('b');
  await settle();
  for (const [, key] of attempts) assert.match(key, /^[\da-f]{32}$/);
  assert.notEqual(attempts[0][1], attempts[1][1]);
});

test('mentions are stored with a message, also those that are found when it is sent', async () => {
  errors = [OFFLINE, OFFLINE];
  outbox.add('Ask @Bob', null, [], [2]);
  outbox.add('Ask @Max', null, [], null);
  await settle();
  const stored = () => getStored(KEY).map(({ mentions }) => mentions);
  assert.deepEqual(stored(), [[2], null]);
  outbox.setMentions(outbox.items[1], [3]);
  assert.deepEqual(stored(), [[2], [3]]);
  outbox.close();
  outbox = create();
  assert.deepEqual(
    outbox.items.map(({ mentions }) => mentions),
    [[2], [3]],
  );
});
