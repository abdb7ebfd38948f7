import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excerptOf } from '../../static/chats/inbox/search.js';

/** The excerpt of a text, with its matches in brackets. */
const marked = (text, ranges) =>
  excerptOf(text, ranges)
    .map((piece) => (piece.matches ? `[${piece.text}]` : piece.text))
    .join('');

/** The range of a part of a text, in code points as the API counts them. */
function rangeOf(text, part) {
  const at = text.indexOf(part);
  return /** @type {[number, number]} */ ([[...text.slice(0, at)].length, [...part].length]);
}

const check = (cases) => {
  for (const [text, parts, expected] of cases) {
    const ranges = parts.map((part) => rangeOf(text, part));
    assert.equal(marked(text, ranges), expected, text);
  }
};

test('matches at the start, in the middle and at the end', () => {
  check([
    ['red roses', ['red'], '[red] roses'],
    ['two red roses', ['red'], 'two [red] roses'],
    ['roses are red', ['red'], 'roses are [red]'],
    ['red', ['red'], '[red]'],
    ['red and blue, not green', ['red', 'blue', 'green'], '[red] and [blue], not [green]'],
    ['redblue', ['red', 'blue'], '[red][blue]'],
  ]);
});

test('a text without matches is shown from its start', () => {
  check([
    ['nothing here', [], 'nothing here'],
    ['', [], ''],
    ['x'.repeat(200), [], `${'x'.repeat(160)}…`],
  ]);
});

test('ranges count code points', () => {
  check([
    ['😀😀 red 😀', ['red'], '😀😀 [red] 😀'],
    ['𝒜𝓁𝒾𝒸ℯ wrote', ['wrote'], '𝒜𝓁𝒾𝒸ℯ [wrote]'],
    ['한국어를 배웁니다', ['배웁'], '한국어를 [배웁]니다'],
    ['私は東京に住む', ['東京'], '私は[東京]に住む'],
  ]);
});

test('a grapheme that matches in part matches as a whole', () => {
  check([
    ['a cafe\u0301 here', ['cafe'], 'a [cafe\u0301] here'],
    ['x \u1112\u1161\u11ab y', ['\u1161'], 'x [\u1112\u1161\u11ab] y'],
    ['the 👩‍👩‍👧 family', ['👧'], 'the [👩‍👩‍👧] family'],
    ['नमस्ते', ['स'], 'नम[स्ते]'],
  ]);
});

test('a long text begins with a whole word before the match', () => {
  const text = `${'lorem ipsum '.repeat(30)}red ${'dolor sit '.repeat(60)}`;
  const pieces = excerptOf(text, [rangeOf(text, 'red')]);
  assert.equal(pieces[0].text, '…');
  assert.match(pieces[1].text, /^(lorem|ipsum) .* $/);
  assert.ok(pieces[1].text.length <= 40);
  assert.deepEqual(pieces[2], { text: 'red', matches: true });
  assert.equal(pieces.at(-1).text, '…');
  assert.doesNotMatch(pieces.at(-2).text, /\s$/);
  const length = pieces.slice(1, -1).reduce((sum, piece) => sum + piece.text.length, 0);
  assert.ok(length > 150 && length <= 160, String(length));
});

test('a text without spaces is cut between graphemes', () => {
  const family = '👩‍👩‍👧';
  const text = `${family.repeat(100)}red${family.repeat(300)}`;
  const before = `…${family.repeat(40)}`;
  check([
    [text, ['red'], `${before}[red]${family.repeat(117)}…`],
    [`${'東'.repeat(100)}京`, ['京'], `…${'東'.repeat(40)}[京]`],
    [`${'e\u0301'.repeat(100)}red`, ['red'], `…${'e\u0301'.repeat(40)}[red]`],
  ]);
});

test('matches past the excerpt are cut or left out', () => {
  const text = `red ${'x'.repeat(400)} blue`;
  check([
    [text, ['red', 'blue'], `[red] ${'x'.repeat(156)}…`],
    [`go ${'x'.repeat(400)}`, ['go', 'x'.repeat(400)], `[go] [${'x'.repeat(157)}]…`],
    ['x'.repeat(400), ['x'.repeat(400)], `[${'x'.repeat(160)}]…`],
  ]);
});

test('ranges past the end of the text are left out', () => {
  // The text may have been edited since it was found.
  assert.equal(marked('short', [[40, 3]]), 'short');
  assert.equal(marked('short', [[3, 40]]), 'sho[rt]');
  assert.equal(marked('', [[0, 3]]), '');
});

test('overlapping ranges are each shown once', () => {
  const ranges = /** @type {[number, number][]} */ ([
    [0, 3],
    [2, 4],
  ]);
  assert.equal(marked('redder', ranges), '[red][der]');
});
