import assert from 'node:assert/strict';
import { test } from 'node:test';

const fresh = (query) => import(`../../static/chatapi/text/i18n.js?${query}`);

test('without a catalog, texts stay in English', async () => {
  const { gettext, ngettext } = await fresh('none');
  assert.equal(gettext('Read'), 'Read');
  for (const [count, text] of [
    [0, 'many'],
    [1, 'one'],
    [2, 'many'],
  ])
    assert.equal(ngettext('one', 'many', count), text);
});

test('a catalog translates', async () => {
  globalThis.django = {
    gettext: (text) => ({ Read: 'Gelesen' })[text] ?? text,
    ngettext: (one, many) => `${one}/${many}`,
  };
  const { gettext, ngettext } = await fresh('german');
  assert.deepEqual([gettext('Read'), gettext('Other'), ngettext('a', 'b', 2)], ['Gelesen', 'Other', 'a/b']);
});

test('interpolation', async () => {
  const { interpolate } = await fresh('none');
  const cases = [
    ['%(n)s new', { n: 3 }, '3 new'],
    ['%(a)s and %(b)s and %(a)s', { a: 'x', b: '%(a)s' }, 'x and %(a)s and x'], // values are not templates
    ['100 %', { n: 1 }, '100 %'],
    ['%(name)s', { name: '$&' }, '$&'],
  ];
  for (const [text, values, expected] of cases) assert.equal(interpolate(text, values), expected);
});
