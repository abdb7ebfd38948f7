import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { ApiError, OfflineError } from '../../../chatapi/static/chatapi/api/client.js';
import { reported, settle } from '../../../chatapi/tests/js/browser.js';
import { ChatLog } from '../../static/chats/conversation/chat-log.js';

const PAGE = 500;
let log;
let server; // the events that the API has
let failures; // errors that the next requests reject with
let requested;
let delivered;
let controller;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  server = [];
  failures = [];
  requested = [];
  delivered = [];
  controller = new AbortController();
  reported.length = 0;
  create();
});

afterEach(() => {
  controller.abort();
  mock.timers.reset();
});

function create({ after = 10, onEvent = (event) => delivered.push(event.seq) } = {}) {
  const api = {
    get: async (path) => {
      requested.push(path);
      if (failures.length) throw failures.shift();
      const from = Number(new URLSearchParams(path.split('?')[1]).get('after'));
      return { data: server.filter(({ seq }) => seq > from).slice(0, PAGE) };
    },
  };
  log = new ChatLog({ api, path: '/api/chats/1', after, onEvent, signal: controller.signal });
}

const add = (...seqs) => {
  for (const seq of seqs) log.add({ seq });
};

test('events are delivered in order and once', () => {
  const cases = [
    [
      [11, 12, 13],
      [11, 12, 13],
    ],
    [
      [12, 11, 13],
      [11, 12, 13],
    ],
    [
      [13, 12, 11],
      [11, 12, 13],
    ],
    [
      [11, 11, 12, 11],
      [11, 12],
    ],
    [[9, 10, 11], [11]],
  ];
  for (const [seqs, expected] of cases) {
    delivered = [];
    create();
    add(...seqs);
    assert.deepEqual(delivered, expected);
  }
});

test('a gap waits for the source before it is filled from the API', async () => {
  server = [{ seq: 11 }, { seq: 12 }, { seq: 13 }];
  add(13);
  assert.deepEqual(delivered, []);
  mock.timers.tick(499);
  await settle();
  assert.deepEqual(requested, []);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(requested, ['/api/chats/1/events?after=10&limit=500']);
  assert.deepEqual(delivered, [11, 12, 13]);
});

test('catching up reads all pages', async () => {
  server = Array.from({ length: 1_200 }, (_, index) => ({ seq: 11 + index }));
  await log.catchUp();
  assert.equal(requested.length, 3);
  assert.deepEqual(
    delivered,
    server.map(({ seq }) => seq),
  );
});

test('events that arrive while a page is loaded are not delivered twice', async () => {
  server = [{ seq: 11 }, { seq: 12 }];
  const loading = log.catchUp();
  add(12, 13);
  await loading;
  assert.deepEqual(delivered, [11, 12, 13]);
});

test('requests are not made twice at a time', async () => {
  server = [{ seq: 11 }];
  await Promise.all([log.catchUp(), log.catchUp(), log.catchUp()]);
  assert.equal(requested.length, 1);
});

test('a request that may succeed later is repeated, any other is not', async () => {
  for (const [error, requests] of [
    [new OfflineError('down'), 2],
    [new ApiError(503, {}, null), 2],
    [new ApiError(403, {}, null), 1],
  ]) {
    requested = [];
    create();
    failures = [error];
    server = [{ seq: 11 }];
    await log.catchUp();
    mock.timers.tick(5_000);
    await settle();
    assert.equal(requested.length, requests);
  }
});

test('nothing is delivered or requested after the abort', async () => {
  add(12);
  controller.abort();
  mock.timers.tick(60_000);
  await settle();
  add(11);
  assert.deepEqual([delivered, requested], [[], []]);
});

test('a callback that throws is reported, and the log goes on', () => {
  create({
    onEvent: ({ seq }) => {
      if (seq === 11) throw new Error('a bug');
      delivered.push(seq);
    },
  });
  add(11, 12);
  assert.deepEqual(delivered, [12]);
  assert.equal(reported.length, 1);
});
