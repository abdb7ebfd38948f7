import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { SharedStream } from '../../static/chatapi/stream/shared.js';
import { FakeChannel, FakeLocks, fakeFetch, reported, setHidden, settle } from './browser.js';

let requests;
let tabs;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: Date.parse('2026-01-01T00:00:00Z') });
  requests = fakeFetch();
  tabs = [];
  navigator.locks = new FakeLocks();
  globalThis.BroadcastChannel = FakeChannel;
  reported.length = 0;
});

afterEach(async () => {
  for (const tab of tabs) tab.controller.abort();
  await settle();
  setHidden(false);
  mock.timers.reset();
});

/** A tab that follows the stream: its `stream`, and what its callbacks got. */
async function openTab(options = {}) {
  const tab = { controller: new AbortController(), events: [], ephemeral: [], states: [], ends: [] };
  tab.stream = new SharedStream('chat', {
    path: (open) => `/events?open=${open}`,
    token: () => 'token',
    after: 0,
    signal: tab.controller.signal,
    onEvent: (event, id) => tab.events.push([event.n, id]),
    onEphemeral: (event) => tab.ephemeral.push(event.n),
    onState: (state) => tab.states.push(state),
    onEnd: (reason) => {
      tab.ends.push(reason.code);
      return false;
    },
    ...options,
  });
  tab.close = () => tab.controller.abort();
  tabs.push(tab);
  await settle();
  return tab;
}

async function connect() {
  const send = requests.at(-1).stream();
  await settle();
  return send;
}

async function pass(milliseconds) {
  for (let left = milliseconds; left > 0; left -= 1_000) {
    mock.timers.tick(Math.min(1_000, left));
    await settle();
  }
}

const event = (n) => `id: ${n}\ndata: {"n":${n}}\n\n`;

/** Put a tab to sleep: it hears nothing, says nothing, and keeps its lock. */
function freeze(tab) {
  FakeChannel.open.delete(tab.stream.channel);
  tab.stream.channel.postMessage = () => {};
}

test('tabs share one connection and get the same', async () => {
  for (let count = 0; count < 3; count += 1) await openTab();
  assert.equal(requests.length, 1);
  const send = await connect();
  send(`${event(1)}data: {"n":"typing"}\n\n${event(2)}`);
  await settle();
  for (const tab of tabs) {
    assert.deepEqual(tab.events, [
      [1, '1'],
      [2, '2'],
    ]);
    assert.deepEqual(tab.ephemeral, ['typing']);
    assert.deepEqual(tab.states, ['connected']);
  }
});

test('when the leader closes, the next tab resumes after what it heard', async () => {
  const [first, second] = [await openTab(), await openTab()];
  const send = await connect();
  send(`${event(1)}id: 5\n\n`);
  await settle();
  first.close();
  await settle();
  assert.equal(requests.length, 2);
  assert.equal(requests[1].headers['Last-Event-ID'], '5');
  assert.ok(requests[0].signal.aborted);
  (await connect())(event(6));
  await settle();
  assert.deepEqual(second.events, [
    [1, '1'],
    [6, '6'],
  ]);
  assert.deepEqual(first.events, [[1, '1']]);
});

test('a tab that comes later learns the state of the stream', async () => {
  await openTab();
  await connect();
  const late = await openTab();
  assert.deepEqual(late.states, ['connected']);
  assert.equal(late.stream.state, 'connected');
});

test('a leader that does not answer loses the lead', async () => {
  const [leader, other] = [await openTab(), await openTab()];
  await connect();
  freeze(leader);
  await pass(20_000);
  assert.equal(requests.length, 1); // the check is under way
  await pass(6_000);
  assert.equal(requests.length, 2);
  assert.equal(leader.stream.stream, null);
  (await connect())(event(1));
  await settle();
  assert.deepEqual(other.events, [[1, '1']]);
});

test('a tab that was put to sleep queues for the lead again', async () => {
  const [first, second] = [await openTab(), await openTab()];
  await connect();
  freeze(first);
  await pass(26_000);
  assert.equal(requests.length, 2);
  second.close();
  await settle();
  assert.equal(requests.length, 3);
  assert.notEqual(first.stream.stream, null);
});

test('a leader that answers keeps the lead, however silent its stream is', async () => {
  const leader = await openTab();
  await openTab();
  await connect();
  await pass(40_000);
  dispatchEvent(new Event('online'));
  await settle();
  assert.notEqual(leader.stream.stream, null);
  assert.ok(requests.slice(0, -1).every(({ signal }) => signal.aborted)); // one connection at a time
});

test('a heartbeat spares the leader a check', async () => {
  await openTab();
  await openTab();
  const send = await connect();
  const channel = new FakeChannel(tabs[0].stream.name);
  const heard = [];
  channel.addEventListener('message', ({ data }) => heard.push(data.type));
  for (let count = 0; count < 4; count += 1) {
    await pass(15_000);
    send(': heartbeat\n\n');
    await settle();
  }
  assert.ok(!heard.includes('check'));
  await pass(26_000);
  assert.ok(heard.includes('check'));
  channel.close();
});

test('a hidden tab steals no lead', async () => {
  const leader = await openTab();
  await openTab();
  await connect();
  freeze(leader);
  for (const [hidden, requested] of [
    [true, 1],
    [false, 2],
  ]) {
    await pass(1_000);
    dispatchEvent(new Event('online')); // has the other tab check its leader
    setHidden(hidden);
    await pass(4_000);
    assert.equal(requests.length, requested);
    setHidden(false);
    await pass(1_000);
  }
});

test('the chats that any tab has open are in the address', async () => {
  const [first, second] = [await openTab(), await openTab()];
  assert.equal(requests[0].url, '/events?open=');
  await connect();
  second.stream.setOpen([7]);
  await settle();
  assert.equal(requests.at(-1).url, '/events?open=7');
  await connect();
  first.stream.setOpen([12]);
  second.stream.setOpen([7, 3]);
  await settle();
  assert.equal(requests.length, 2); // at most one reconnection in six seconds
  await pass(6_000);
  assert.equal(requests.length, 3);
  assert.equal(requests.at(-1).url, '/events?open=3,7,12');
  await connect();
  second.close();
  await pass(6_000);
  assert.equal(requests.at(-1).url, '/events?open=12');
});

test('a new leader asks the others which chats they have open', async () => {
  const [first, second, third] = [await openTab(), await openTab(), await openTab()];
  third.stream.setOpen([9]);
  second.stream.open.delete(third.stream.tab); // as after a sleep
  await pass(6_000);
  await connect();
  first.close();
  await settle();
  assert.deepEqual(second.stream.allOpen, [9]);
});

test('every tab learns that the stream has ended', async () => {
  const [first, second] = [await openTab(), await openTab()];
  const send = await connect();
  send('event: bye\ndata: {"code":"removed"}\n\n');
  await settle();
  assert.deepEqual([first.ends, second.ends], [['removed'], ['removed']]);
});

test('only the leader hears of an end that another token prevents', async () => {
  const leader = await openTab({ onEnd: () => true });
  const other = await openTab();
  requests[0].respond(401, { code: 'expired' });
  await settle();
  await pass(3_000);
  assert.equal(requests.length, 2);
  assert.deepEqual([leader.ends, other.ends], [[], []]);
});

test('without locks or channels each tab follows a stream of its own', async () => {
  const setups = [
    () => {
      navigator.locks = undefined;
    },
    () => {
      globalThis.BroadcastChannel = class {
        constructor() {
          throw new DOMException('', 'SecurityError');
        }
      };
    },
    () => {
      navigator.locks.request = () => Promise.reject(new DOMException('', 'SecurityError'));
    },
  ];
  for (const setup of setups) {
    navigator.locks = new FakeLocks();
    globalThis.BroadcastChannel = FakeChannel;
    setup();
    const before = requests.length;
    await openTab();
    await openTab();
    assert.equal(requests.length, before + 2);
    for (const tab of tabs.splice(0)) tab.close();
    await settle();
  }
});

test('a stream of its own pauses in a hidden tab', async () => {
  navigator.locks = undefined;
  const tab = await openTab();
  (await connect())(event(4));
  await settle();
  setHidden(true);
  await pass(9_000);
  assert.equal(requests[0].signal.aborted, false);
  await pass(2_000);
  assert.equal(requests[0].signal.aborted, true);
  setHidden(false);
  await settle();
  assert.equal(requests.length, 2);
  assert.equal(requests[1].headers['Last-Event-ID'], '4');
  tab.close();
  await settle();
  assert.equal(requests[1].signal.aborted, true);
});

test('a callback that throws in one tab does not stop the others', async () => {
  await openTab({
    onEvent: () => {
      throw new Error('a bug');
    },
  });
  const other = await openTab();
  const send = await connect();
  send(event(1) + event(2));
  await settle();
  assert.deepEqual(other.events, [
    [1, '1'],
    [2, '2'],
  ]);
  assert.equal(reported.length, 2);
});
