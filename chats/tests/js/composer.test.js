import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excess, MAX_TEXT, tooLong } from '../../static/chats/conversation/composer.js';

test('the excess is counted as the server counts, without white space around the text', () => {
  const cases = [
    ['', -MAX_TEXT],
    ['x'.repeat(MAX_TEXT), 0],
    ['x'.repeat(MAX_TEXT + 3), 3],
    [`\n ${'x'.repeat(MAX_TEXT)}  \n`, 0],
    ['😀'.repeat(MAX_TEXT), 0],
    ['e\u0301'.repeat(MAX_TEXT), MAX_TEXT],
  ];
  for (const [text, expected] of cases) assert.equal(excess(text), expected);
});

test('the message names the number', () => {
  assert.match(tooLong(1), /1 character too long/);
  assert.match(tooLong(20), /20 characters too long/);
});
