import assert from 'node:assert/strict';
import { test } from 'node:test';
import { membersNamed, mentionsIn, nameBeingWritten } from '../../static/chats/inbox/mentions.js';

const BOB = { id: 1, name: 'Bob Baker' };
const BOBBY = { id: 2, name: 'Bob Bakersfield' };
const JOSE = { id: 3, name: 'José Núñez' };
const MEMBERS = [BOB, BOBBY, JOSE];

test('a name is being written after an @ at the start of a word', () => {
  const cases = [
    ['@', ''],
    ['Ask @bo', 'bo'],
    ['Ask @Bob Ba', 'Bob Ba'],
    ['(@jo', 'jo'],
    ['line\n@jo', 'jo'],
  ];
  for (const [text, name] of cases) assert.deepEqual(nameBeingWritten(text), { start: text.indexOf('@'), name });
  for (const text of ['', 'bob', 'bob@example.test', '@Bob Baker said so', '@bob@', `@${'x'.repeat(41)}`])
    assert.equal(nameBeingWritten(text), null, text);
});

test('members are found by the start of any of their names, without accents and case', () => {
  const cases = [
    ['', MEMBERS],
    ['bo', [BOB, BOBBY]],
    ['BAKER', [BOB, BOBBY]],
    ['nun', [JOSE]],
    ['José N', [JOSE]],
    ['aker', []],
  ];
  for (const [start, found] of cases) assert.deepEqual(membersNamed(MEMBERS, start), found);
});

test('mentions are the longest names after an @', () => {
  const cases = [
    ['Hello', []],
    ['Bob Baker', []],
    ['@Bob Baker, see this', [1]],
    ['@Bob Bakersfield', [2]],
    ['@Bob Bakersfield and @Bob Baker', [2, 1]],
    ['@José Núñez @José Núñez', [3]],
    ['@bob baker', []],
  ];
  for (const [text, ids] of cases) assert.deepEqual(mentionsIn(text, MEMBERS), ids, text);
});
