import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { setStored } from '../../../chatapi/static/chatapi/storage/storage.js';
import { element } from '../../../chatapi/static/chatapi/ui/dom.js';
import { setHidden, settle } from '../../../chatapi/tests/js/browser.js';
import { Notifications } from '../../static/chats/inbox/notifications.js';

const STORED = 'chatapi:notifications';

class FakeNotification extends EventTarget {
  static permission = 'granted';
  static shown = [];

  static async requestPermission() {
    return FakeNotification.permission;
  }

  constructor(title, options) {
    super();
    this.title = title;
    this.body = options.body;
    FakeNotification.shown.push(this);
  }

  close() {
    FakeNotification.shown = FakeNotification.shown.filter((each) => each !== this);
  }
}

let button;
let opened;
let notifications;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  globalThis.Notification = FakeNotification;
  globalThis.window = { focus: mock.fn() };
  FakeNotification.permission = 'granted';
  FakeNotification.shown = [];
  setStored(STORED, 'on');
  setHidden(true);
  create();
});

afterEach(async () => {
  await settle();
  mock.timers.reset();
});

function create() {
  button = element('button', { hidden: true });
  opened = [];
  notifications = new Notifications({
    button,
    userId: 1,
    titleOf: (id) => `Chat ${id}`,
    onOpen: (id) => opened.push(id),
  });
}

const message = (seq, { chat = 1, text = `Text ${seq}` } = {}) => ({
  seq,
  chat_id: chat,
  text,
  author: { first_name: 'Gina', last_name: 'Guest' },
});

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settle();
}

const shown = () => FakeNotification.shown.map(({ title, body }) => [title, body]);

test('a message is shown a second later if no tab is visible', async () => {
  notifications.notify(message(1));
  await pass(999);
  assert.deepEqual(shown(), []);
  await pass(1);
  assert.deepEqual(shown(), [['Gina Guest in Chat 1', 'Text 1']]);
});

test('nothing is shown to an agent who can see the inbox, turned them off, or for a deleted message', async () => {
  const cases = [
    [() => setHidden(false), message(1)],
    [() => setStored(STORED, null), message(1)],
    [() => (FakeNotification.permission = 'denied'), message(1)],
    [() => {}, message(1, { text: null })],
  ];
  for (const [prepare, each] of cases) {
    FakeNotification.permission = 'granted';
    setStored(STORED, 'on');
    setHidden(true);
    prepare();
    notifications.notify(each);
    await pass(1_000);
    assert.deepEqual(shown(), []);
  }
});

test('messages of one chat replace each other, those of others do not', async () => {
  notifications.notify(message(1));
  notifications.notify(message(2));
  await pass(1_000);
  assert.deepEqual(
    shown().map(([, body]) => body),
    ['Text 2'],
  );
  notifications.notify(message(3));
  notifications.notify(message(4, { chat: 2 }));
  await pass(1_000);
  assert.deepEqual(
    shown().map(([, body]) => body),
    ['Text 3', 'Text 4'],
  );
});

test('what is read is withdrawn, before it is shown and after', async () => {
  notifications.notify(message(5));
  notifications.withdraw(1, 4);
  await pass(1_000);
  assert.equal(shown().length, 1);
  notifications.withdraw(2, 9);
  assert.equal(shown().length, 1);
  notifications.withdraw(1, 5);
  assert.equal(shown().length, 0);
  notifications.notify(message(6));
  notifications.withdraw(1, 6);
  await pass(1_000);
  assert.equal(shown().length, 0);
});

test('what is deleted is withdrawn, and nothing else', async () => {
  const note = { ...message(5), id: 3, member_seq: 1, mentionedBy: 'Bob' };
  for (const delay of [0, 1_000]) {
    notifications.notify(note);
    await pass(delay);
    for (const other of [
      { ...note, id: 4 },
      { ...note, member_seq: undefined },
      { ...note, chat_id: 2 },
    ])
      notifications.withdrawDeleted(other);
    assert.equal(notifications.notices.size, 1);
    notifications.withdrawDeleted({ ...note, text: null, mentionedBy: undefined });
    await pass(1_000);
    assert.deepEqual([shown(), notifications.notices.size], [[], 0]);
  }
});

test('a click opens the chat', async () => {
  notifications.notify(message(1, { chat: 7 }));
  await pass(1_000);
  FakeNotification.shown[0].dispatchEvent(new Event('click'));
  assert.deepEqual([opened, shown()], [[7], []]);
});

test('the button turns them on and off', async () => {
  setStored(STORED, null);
  create();
  assert.equal(button.hidden, false);
  const texts = [];
  for (let press = 0; press < 3; press += 1) {
    texts.push([button.textContent, button.attributes['aria-pressed']]);
    button.dispatchEvent(new Event('click'));
    await settle();
  }
  assert.deepEqual(texts, [
    ['Turn on notifications', 'false'],
    ['Notifications are on', 'true'],
    ['Turn on notifications', 'false'],
  ]);
});

test('the button says that they are blocked, and is hidden where there are none', () => {
  FakeNotification.permission = 'denied';
  create();
  assert.deepEqual([button.disabled, button.textContent], [true, 'Notifications are blocked']);
  delete globalThis.Notification;
  create();
  assert.equal(button.hidden, true);
  assert.equal(notifications.on, false);
});

test('where only service workers may show them, one does', async () => {
  globalThis.Notification = class {
    static permission = 'granted';

    constructor() {
      throw new TypeError('Illegal constructor');
    }
  };
  const showNotification = mock.fn();
  navigator.serviceWorker = { getRegistration: async () => ({ showNotification }) };
  notifications.notify(message(1, { chat: 7 }));
  await pass(1_000);
  const [title, options] = showNotification.mock.calls[0].arguments;
  assert.equal(title, 'Gina Guest in Chat 7');
  assert.deepEqual(options, { body: 'Text 1', tag: 'chat-7', data: { url: '/inbox#chat=7' } });
});
