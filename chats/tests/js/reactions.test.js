import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMOJI, indexAfter } from '../../static/chats/conversation/palette.js';
import { hasReacted, messageOf, namesOf, renderReactions } from '../../static/chats/conversation/reactions.js';

const NAMES = new Map([
  [7, 'Gina'],
  [8, 'Bob'],
]);
const nameOf = (id) => NAMES.get(id) ?? `Guest ${id}`;
const MESSAGE = {
  id: 3,
  reactions: [
    { emoji: '👍', count: 2, chat_user_ids: [7, 8] },
    { emoji: '🎉', count: 1, chat_user_ids: [8] },
  ],
};

test('the message of an event is what lists have, without the reaction', () => {
  assert.deepEqual(messageOf({ ...MESSAGE, reaction: { emoji: '🎉', chat_user_id: 8 } }), MESSAGE);
});

test('reactions belong to chat users', () => {
  assert.ok(hasReacted(MESSAGE, '👍', 7));
  assert.ok(!hasReacted(MESSAGE, '🎉', 7));
  assert.ok(!hasReacted(MESSAGE, '😮', 7));
});

test('names are listed, and counted from the eleventh on if that is shorter', () => {
  const names = (count) => namesOf({ emoji: '👍', count, chat_user_ids: [...Array(count).keys()] }, (id) => `n${id}`);
  assert.equal(names(1), 'n0');
  assert.equal(names(2), 'n0 and n1');
  assert.match(names(11), /n9, and n10$/);
  assert.match(names(12), /n9, and 2 others$/);
});

test('each emoji is a toggle with a name; without a way to react it is a picture', () => {
  const toggled = [];
  const onToggle = (emoji) => toggled.push(emoji);
  const shown = /** @type {any} */ (renderReactions(MESSAGE, { nameOf, me: 7, onToggle }));
  const [own, other] = shown.children;
  assert.deepEqual(
    [own.attributes['aria-label'], own.attributes['aria-pressed'], own.title, own.textContent],
    ['👍, 2 reactions, Gina and Bob', 'true', 'Gina and Bob', '👍 2'],
  );
  assert.deepEqual(
    [other.attributes['aria-label'], other.attributes['aria-pressed']],
    ['🎉, 1 reaction, Bob', 'false'],
  );
  other.dispatchEvent(new Event('click'));
  assert.deepEqual(toggled, ['🎉']);
  const read = /** @type {any} */ (renderReactions(MESSAGE, { nameOf })).children[0];
  assert.deepEqual([read.tagName, read.attributes.role], ['SPAN', 'img']);
  assert.equal(renderReactions({ reactions: [] }, { nameOf }), null);
});

test('keys move through the palette and around its ends', () => {
  const last = EMOJI.length - 1;
  const moves = [
    ['ArrowRight', 0, 1],
    ['ArrowDown', last, 0],
    ['ArrowLeft', 0, last],
    ['ArrowUp', 3, 2],
    ['Home', 5, 0],
    ['End', 2, last],
    ['Enter', 2, null],
  ];
  for (const [key, from, to] of /** @type {[string, number, number | null][]} */ (moves)) {
    assert.equal(indexAfter(key, from, EMOJI.length), to, key);
  }
  assert.equal(indexAfter('ArrowLeft', 0, EMOJI.length, true), 1);
});
