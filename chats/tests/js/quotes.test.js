import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteOf, renderQuote } from '../../static/chats/conversation/quotes.js';

const GINA = { id: 7, first_name: 'Gina', last_name: 'Guest', role: 'guest' };
const MESSAGE = { id: 3, chat_id: 1, seq: 9, author: GINA, text: 'Hello', reactions: [], deleted_at: null };

test('a quote has the form that the API gives it', () => {
  assert.deepEqual(quoteOf(MESSAGE), { id: 3, seq: 9, author: GINA, text: 'Hello' });
  assert.deepEqual(Object.keys(quoteOf(MESSAGE)), ['id', 'seq', 'author', 'text']); // compared as JSON
});

test('a long text is cut by code points, and a deleted one stays null', () => {
  const texts = [
    ['x'.repeat(201), 'x'.repeat(200)],
    ['😀'.repeat(300), '😀'.repeat(200)],
    [null, null],
  ];
  for (const [text, expected] of texts) assert.equal(quoteOf({ ...MESSAGE, text }).text, expected);
});

test('a quote shows the author and the text, and names both', () => {
  const shown = renderQuote(quoteOf(MESSAGE), { mine: false, onOpen: () => {} });
  assert.equal(shown.tagName, 'BUTTON');
  assert.equal(shown.textContent, 'Gina GuestHello');
  // @ts-expect-error the elements of these tests show their attributes
  assert.equal(shown.attributes['aria-label'], 'In reply to Gina Guest: Hello');
  assert.equal(renderQuote(quoteOf(MESSAGE), { mine: true }).textContent, 'YouHello');
});

test('the quote of a deleted message says so', () => {
  const quote = quoteOf({ ...MESSAGE, text: null });
  const shown = renderQuote(quote, { mine: false });
  assert.equal(shown.tagName, 'DIV');
  assert.equal(shown.textContent, 'Gina GuestThis message was deleted.');
});
