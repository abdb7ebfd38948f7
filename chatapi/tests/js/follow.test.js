import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { follow } from '../../static/chatapi/stream/follow.js';
import { fakeFetch, reported, setHidden, settle } from './browser.js';

let requests;
let controller;
let calls; // what the callbacks got

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  mock.method(Math, 'random', () => 1);
  requests = fakeFetch();
  controller = new AbortController();
  calls = [];
  reported.length = 0;
});

afterEach(async () => {
  controller.abort();
  await settle();
  mock.timers.reset();
  mock.restoreAll();
});

const note =
  (name) =>
  (...values) => {
    calls.push([name, ...values]);
  };
const states = () => calls.filter(([name]) => name === 'state').map(([, state]) => state);

const start = (options = {}) =>
  follow(() => '/events', {
    token: () => 'token',
    signal: controller.signal,
    onEvent: note('event'),
    onEphemeral: note('ephemeral'),
    onPosition: note('position'),
    onState: note('state'),
    ...options,
  });

/** Let time pass in steps, so that what a timer starts can run. */
async function pass(milliseconds) {
  for (let left = milliseconds; left > 0; left -= 1_000) {
    mock.timers.tick(Math.min(1_000, left));
    await settle();
  }
}

async function connect() {
  const send = requests.at(-1).stream();
  await settle();
  return send;
}

test('events, ephemeral events and positions are told apart', async () => {
  start({ after: 4 });
  assert.equal(requests[0].headers.Authorization, 'Bearer token');
  assert.equal(requests[0].headers['Last-Event-ID'], '4');
  const send = await connect();
  send('id: 5\ndata: {"a":1}\n\ndata: {"typing":true}\n\nid: 6\n\n: heartbeat\n\n');
  await settle();
  assert.deepEqual(calls, [
    ['state', 'connecting'],
    ['state', 'connected'],
    ['event', { a: 1 }, '5'],
    ['ephemeral', { typing: true }],
    ['position', '6'],
  ]);
});

test('it resumes after the last event', async () => {
  for (const [after, text, expected] of [
    [null, '', undefined],
    ['9', ': heartbeat\n\n', '9'],
    [null, 'retry: 1000\nid: 7\ndata: {}\n\n', '7'],
    ['9', 'id: 10\n\n', '10'],
  ]) {
    start({ after });
    const send = await connect();
    if (text) send(text);
    await settle();
    send.end();
    await settle();
    await pass(2_000);
    assert.equal(requests.at(-1).headers['Last-Event-ID'], expected);
    controller.abort();
    controller = new AbortController();
  }
});

test('it waits longer after each failure, up to a minute', async () => {
  start();
  const delays = [];
  for (let failure = 0; failure < 7; failure += 1) {
    const failedAt = Date.now();
    const count = requests.length;
    requests.at(-1).fail();
    await settle();
    while (requests.length === count) await pass(1_000);
    delays.push((Date.now() - failedAt) / 1_000);
  }
  assert.deepEqual(delays, [2, 4, 8, 16, 32, 60, 60]);
  assert.deepEqual(states(), ['connecting', ...Array(7).fill('disconnected')]);
});

test('the server sets the first delay, and a connection that worked resets the others', async () => {
  start();
  requests[0].fail();
  await settle();
  await pass(2_000);
  const send = await connect();
  send('retry: 5000\n\n');
  await settle();
  send.fail();
  await settle();
  await pass(4_000);
  assert.equal(requests.length, 2);
  await pass(1_000);
  assert.equal(requests.length, 3);
});

test('a rate limit is waited for, and server errors are retried', async () => {
  start();
  requests[0].respond(429, {}, { 'Retry-After': '7' });
  await settle();
  await pass(7_000);
  assert.equal(requests.length, 1);
  await pass(1_000);
  assert.equal(requests.length, 2);
  requests[1].respond(503);
  await settle();
  await pass(2_000);
  assert.equal(requests.length, 3);
});

test('a refusal and `bye` end the stream, unless there is another token', async () => {
  for (const [refuse, reason] of [
    [
      (request) => request.respond(401, { code: 'token_expired', message: 'Expired.' }),
      { status: 401, code: 'token_expired', message: 'Expired.' },
    ],
    [
      (request) => request.respond(403, { code: 'banned', message: 'No.' }),
      { status: 403, code: 'banned', message: 'No.' },
    ],
    [
      (request) => request.stream()('event: bye\ndata: {"code":"left","message":"Left."}\n\n'),
      { status: 401, code: 'left', message: 'Left.' },
    ],
  ]) {
    for (const renewed of [true, false]) {
      const onEnd = mock.fn(() => renewed);
      const before = requests.length;
      start({ onEnd });
      refuse(requests.at(-1));
      await settle();
      await pass(60_000);
      assert.deepEqual(onEnd.mock.calls[0].arguments, [reason]);
      assert.equal(requests.length > before + 1, renewed);
      controller.abort();
      controller = new AbortController();
    }
  }
});

test('a connection that dies in silence is replaced', async () => {
  start();
  const send = await connect();
  await pass(40_000);
  send(': heartbeat\n\n');
  await settle();
  await pass(40_000);
  assert.equal(requests.length, 1);
  await pass(10_000);
  assert.equal(requests.length, 2);
});

test('a clock that is set back does not hide the silence', async () => {
  start();
  await connect();
  const { now } = Date;
  Date.now = () => now() - 3_600_000;
  await pass(60_000);
  assert.equal(requests.length, 2);
});

test('a request that is not answered is given up', async () => {
  start();
  await pass(9_000);
  assert.equal(requests[0].signal.aborted, false);
  await pass(2_000);
  assert.equal(requests[0].signal.aborted, true);
  await pass(3_000);
  assert.equal(requests.length, 2);
});

test('coming online or back to the tab replaces a connection in doubt at once', async () => {
  for (const signal of [() => dispatchEvent(new Event('online')), () => setHidden(false)]) {
    start();
    await connect();
    const before = requests.length;
    await pass(10_000);
    signal(); // ten seconds of silence prove nothing
    await settle();
    assert.equal(requests.length, before);
    await pass(8_000);
    signal();
    await settle();
    assert.equal(requests.length, before + 1);
    controller.abort();
    controller = new AbortController();
  }
});

test('coming online ends a pause', async () => {
  start();
  for (let failure = 0; failure < 4; failure += 1) {
    requests.at(-1).fail();
    await settle();
    dispatchEvent(new Event('online'));
    await settle();
  }
  assert.equal(requests.length, 5);
});

test('restart reconnects at once', async () => {
  const stream = start();
  await connect();
  stream.restart();
  await settle();
  assert.equal(requests.length, 2);
  assert.deepEqual(states(), ['connecting', 'connected', 'connecting']);
});

test('nothing comes after the abort', async () => {
  start();
  const send = await connect();
  controller.abort();
  await settle();
  assert.throws(() => send('id: 1\ndata: {}\n\n'));
  await pass(120_000);
  assert.equal(requests.length, 1);
  assert.deepEqual(
    calls.filter(([name]) => name === 'event'),
    [],
  );
});

test('a callback that throws is reported and does not stop the stream', async () => {
  start({
    onEvent: (event, id) => {
      if (event.bad) throw new Error('a bug');
      calls.push(['event', event, id]);
    },
  });
  const send = await connect();
  send('id: 1\ndata: {"bad":true}\n\nid: 2\ndata: {"bad":false}\n\n');
  await settle();
  assert.deepEqual(calls.at(-1), ['event', { bad: false }, '2']);
  assert.deepEqual(
    reported.map(({ message }) => message),
    ['a bug'],
  );
});
