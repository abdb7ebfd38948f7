import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCharacters, fold, isBlank, shorten, trim } from '../../static/chatapi/text/text.js';

const FAMILY = '👨‍👩‍👧';

test('a text without anything visible is blank', () => {
  for (const text of ['', ' ', '\n\t', '\u200b', '\u2800', '\u00ad\ufe0f', '\u3000']) {
    assert.equal(isBlank(text), true, JSON.stringify(text));
  }
  for (const text of ['a', '.', '\u200ba', '0', FAMILY, '한']) assert.equal(isBlank(text), false, text);
});

test('characters are counted as code points', () => {
  const cases = { '': 0, abc: 3, '😀': 1, [FAMILY]: 5, 'e\u0301': 2 };
  for (const [text, count] of Object.entries(cases)) assert.equal(countCharacters(text), count, text);
});

test('trim removes empty lines before and white space after', () => {
  const cases = [
    ['  hello \n', 'hello'],
    ['\n \n  if x:\n    y\n\n', '  if x:\n    y'],
    ['\n \n', ''],
    ['', ''],
    ['a  b', 'a  b'],
    [' a\n  b', ' a\n  b'],
  ];
  for (const [text, expected] of cases) assert.equal(trim(text), expected);
});

test('shorten counts graphemes', () => {
  const cases = [
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['', 3, ''],
    [FAMILY.repeat(3), 3, FAMILY.repeat(3)],
    [FAMILY.repeat(4), 3, `${FAMILY.repeat(2)}…`],
    ['e\u0301'.repeat(4), 2, 'e\u0301…'],
    ['🇩🇪🇦🇹🇨🇭', 2, '🇩🇪…'],
    ['a b', 2, 'a…'],
  ];
  for (const [text, max, expected] of cases) assert.equal(shorten(text, max), expected);
});

test('shorten cuts a pile of combining marks', () => {
  const short = shorten(`a${'\u0301'.repeat(9_999)}`, 100);
  assert.ok(short.length <= 100 * 64 + 1, String(short.length));
});

test('fold ignores case and composition, but not accents', () => {
  const same = [
    ['Café', 'CAFE\u0301'],
    ['STRASSE', 'straße'],
    ['ΟΔΟΣ', 'οδος'],
    ['İstanbul', 'istanbul'],
    ['Å', 'a\u030a'],
  ];
  for (const [one, other] of same) assert.equal(fold(one), fold(other));
  for (const [one, other] of [
    ['Cafe', 'café'],
    ['uber', 'über'],
  ])
    assert.notEqual(fold(one), fold(other));
});
