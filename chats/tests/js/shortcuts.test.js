import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setStored } from '../../../chatapi/static/chatapi/storage/storage.js';
import { listenToKeys } from '../../static/chats/inbox/shortcuts.js';

const pressed = [];
listenToKeys({ j: () => pressed.push('j'), '?': () => pressed.push('?') });

beforeEach(() => {
  pressed.length = 0;
  setStored('chatapi:shortcuts', null);
});

function press(key, properties = {}) {
  const event = Object.assign(new Event('keydown', { cancelable: true }), { key, ...properties });
  dispatchEvent(event);
  return event.defaultPrevented;
}

test('a key calls its action and does nothing else', () => {
  assert.equal(press('j'), true);
  assert.equal(press('x'), false);
  assert.deepEqual(pressed, ['j']);
});

test('keys with a modifier or of an input method are not shortcuts', () => {
  for (const name of ['ctrlKey', 'metaKey', 'altKey', 'isComposing']) press('j', { [name]: true });
  assert.deepEqual(pressed, []);
});

test('shortcuts that are turned off leave only the key that shows them', () => {
  setStored('chatapi:shortcuts', 'off');
  press('j');
  press('?');
  assert.deepEqual(pressed, ['?']);
});

test('an open dialog takes all keys', (context) => {
  context.after(() => mock.restoreAll());
  mock.method(document, 'querySelector', () => ({}));
  press('j');
  assert.deepEqual(pressed, []);
});
