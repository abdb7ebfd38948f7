import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkify } from '../../static/chats/conversation/links.js';

/** The links of a text, as [text, address]; the nodes together are the text. */
function links(text) {
  const nodes = linkify(text);
  assert.equal(nodes.map((node) => node.textContent ?? node).join(''), text);
  return nodes.filter((node) => typeof node !== 'string').map((node) => [node.textContent, node.href]);
}

const check = (cases) => {
  for (const [text, ...expected] of cases) assert.deepEqual(links(text), expected, text);
};

test('websites', () => {
  check([
    ['see https://a.example/b?c=d#e', ['https://a.example/b?c=d#e', 'https://a.example/b?c=d#e']],
    ['www.example.com', ['www.example.com', 'https://www.example.com/']],
    ['HTTP://A.example:8080/x', ['HTTP://A.example:8080/x', 'http://a.example:8080/x']],
    ['http://[::1]/', ['http://[::1]/', 'http://[::1]/']],
    [
      'https://a.example and https://b.example',
      ['https://a.example', 'https://a.example/'],
      ['https://b.example', 'https://b.example/'],
    ],
    ['https://a.example/ä', ['https://a.example/ä', 'https://a.example/%C3%A4']],
  ]);
});

test('a link ends where the sentence goes on', () => {
  for (const [before, address, after] of [
    ['', 'https://a.example/b', '.'],
    ['(', 'https://a.example/b', ')'],
    ['', 'https://a.example/b_(c)', ''],
    ['“', 'https://a.example/b', '”'],
    ['*', 'https://a.example/b', '*'],
    ['', 'https://a.example', '?!'],
    ['', 'https://a.example', '，下'],
    ['', 'https://a.com', 'です'],
    ['<', 'https://a.example/b', '>'],
  ]) {
    assert.deepEqual(
      links(before + address + after).map(([text]) => text),
      [address],
      before + address + after,
    );
  }
});

test('mailboxes', () => {
  check([
    ['to gina@guest.example.', ['gina@guest.example', 'mailto:gina@guest.example']],
    ['mailto:a+b@c.example?subject=x', ['mailto:a+b@c.example?subject=x', 'mailto:a+b@c.example?subject=x']],
    ['a%b@c.example', ['a%b@c.example', 'mailto:a%25b@c.example']],
    ['_a@b.example_', ['a@b.example', 'mailto:a@b.example']],
  ]);
});

test('telephones', () => {
  check([
    ['tel:+49 (0)30 123456', ['tel:+49 (0)30 123456', 'tel:+4930123456']],
    ['tel:112 now', ['tel:112', 'tel:112']],
  ]);
});

test('what is certainly no address stays text', () => {
  check([
    ['javascript:alert(1)'],
    ['data:text/html,x'],
    ['https://bank.example@evil.example/'],
    ['http://user:password@a.example/'],
    ['http://'],
    ['www.'],
    ['müller@a.example'],
    ['a@b'],
    ['a@b.c'],
    ['tel:12'],
    ['tel:*21*123#'],
    [`https://a.example/${'x'.repeat(2_000)}`],
    [''],
  ]);
});

test('a host that is written in another way is named', () => {
  const titles = ['https://аррӏе.com/', 'https://2130706433/', 'https://A.example/'].map(
    (text) => linkify(text)[0].title,
  );
  assert.deepEqual(titles, ['xn--80ak6aa92e.com', '127.0.0.1', undefined]);
});

test('links leak nothing to the website and cannot be reordered', () => {
  const [link] = linkify('https://a.example/');
  assert.deepEqual([link.rel, link.target, link.dir], ['noopener noreferrer nofollow ugc', '_blank', 'ltr']);
});
