import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatText } from '../../static/chats/conversation/formatting.js';

/** The nodes of a text, as the HTML that a browser would show for them. */
function html(text) {
  return formatText(text).map(written).join('');
}

function written(node) {
  if (typeof node === 'string') return node;
  const name = node.tagName.toLowerCase();
  const start = node.start > 1 ? ` start=${node.start}` : '';
  return `<${name}${start}>${node.children.map(written).join('')}</${name}>`;
}

const check = (cases) => {
  for (const [text, expected] of cases) assert.equal(html(text), expected, text);
};

/** These stay exactly as they were written. */
const isText = (...texts) => {
  for (const text of texts) assert.deepEqual(formatText(text), text === '' ? [] : [text], text);
};

test('bold, italics and code', () => {
  check([
    ['a **bold** word', 'a <strong>bold</strong> word'],
    ['_one_ and *two*', '<em>one</em> and <em>two</em>'],
    ['**bold with _italics_**', '<strong>bold with <em>italics</em></strong>'],
    ['run `make run && x`', 'run <code>make run && x</code>'],
    ['`**not bold**`', '<code>**not bold**</code>'],
    ['これは**太字**です', 'これは<strong>太字</strong>です'],
    ['مرحبا **بك**', 'مرحبا <strong>بك</strong>'],
  ]);
});

test('fenced code keeps its lines', () => {
  check([
    ['see\n```js\nlet a = 1;\n  b **c**\n```\nthere', 'see<pre><code>let a = 1;\n  b **c**</code></pre>there'],
    ['```\nnever closed', '<pre><code>never closed</code></pre>'],
  ]);
});

test('lists and quotes', () => {
  check([
    ['- a\n- **b**\n  - c', '<ul><li>a</li><li><strong>b</strong><ul><li>c</li></ul></li></ul>'],
    ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
    ['3. a\n4. b', '<ol start=3><li>a</li><li>b</li></ol>'],
    ['> one\n> two\n\nYes', '<blockquote>one\ntwo</blockquote>Yes'],
    ['- [ ] open', '<ul><li>[ ] open</li></ul>'],
  ]);
});

test('lines and empty lines stay', () => {
  check([['one\n\n\n**two**\nthree', 'one\n\n\n<strong>two</strong>\nthree']]);
});

test('everything else stays text', () => {
  isText(
    '',
    'Hello',
    '2*3*4 = 24',
    'snake_case_name',
    'C:\\_files\\*',
    '# not a heading',
    'a\n===',
    '---',
    '* * *',
    '-',
    '>',
    '- \n- a',
    '+49 170 1234567',
    '|a|b|\n|-|-|\n|1|2|',
    '[text](javascript:alert(1))',
    '![x](https:)',
    '<b>bold</b> <script>alert(1)</script>',
    '<img src=x onerror=alert(1)> *',
    '&lt;b&gt; * &amp;',
    '    indented *',
    '~~struck~~',
    '2 * 3',
    '\uE0000\uE001 **x**',
  );
});

test('addresses are links, and their characters do not format', () => {
  check([
    ['https://a.example/_b_*c*', '<a>https://a.example/_b_*c*</a>'],
    ['**https://a.example/b**', '<strong><a>https://a.example/b</a></strong>'],
    ['- https://a.example/b', '<ul><li><a>https://a.example/b</a></li></ul>'],
    ['*me@a.example* and `me@a.example`', '<em><a>me@a.example</a></em> and <code>me@a.example</code>'],
    ['```\nhttps://a.example/b\n```', '<pre><code>https://a.example/b</code></pre>'],
    ['[a](https://a.example/b)', '[a](<a>https://a.example/b</a>)'],
  ]);
});

test('no text takes long, nests deeply or loses anything', () => {
  const letters = (text) => text.replace(/[^a]/g, '');
  for (const text of [
    '*a '.repeat(3_300),
    '**a *b '.repeat(1_400),
    '_a'.repeat(5_000),
    '*_'.repeat(5_000),
    '`'.repeat(10_000),
    '`a``'.repeat(2_500),
    '>'.repeat(10_000),
    '> '.repeat(4_999),
    `${'> '.repeat(50)}a`,
    `${'- '.repeat(50)}a`,
    '1. '.repeat(3_300),
    '- a\n'.repeat(2_500),
    '```\n'.repeat(2_500),
    '<a '.repeat(3_300),
    '[a]('.repeat(2_500),
    'https://a.example/a_ *'.repeat(400),
  ]) {
    const nodes = formatText(text);
    const shown = nodes.map((node) => (typeof node === 'string' ? node : node.textContent)).join('');
    assert.equal(letters(shown), letters(text), text.slice(0, 40));
    assert.ok(depth(nodes) < 50, text.slice(0, 40));
  }
});

function depth(nodes) {
  return Math.max(0, ...nodes.map((node) => (typeof node === 'string' ? 0 : 1 + depth(node.children))));
}
