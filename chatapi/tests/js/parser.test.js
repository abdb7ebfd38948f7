import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBlocks } from '../../static/chatapi/stream/parser.js';

/** The blocks of a stream that arrives in these pieces: texts or bytes. */
async function parse(...pieces) {
  const bytes = pieces.map((piece) => (typeof piece === 'string' ? new TextEncoder().encode(piece) : piece));
  const blocks = [];
  for await (const block of parseBlocks(ReadableStream.from(bytes))) blocks.push(block);
  return blocks;
}

test('fields', async () => {
  const cases = [
    ['id: 7\nevent: message\ndata: {}\n\n', [{ id: '7', type: 'message', data: '{}' }]],
    ['data:a\ndata: b\ndata:  c\n\n', [{ data: 'a\nb\n c' }]],
    ['data\n\n', [{ data: '' }]],
    ['retry: 1500\n\n', [{ retry: 1500 }]],
    ['id: a:b\n\n', [{ id: 'a:b' }]],
    [': heartbeat\n\n', [{}]],
    ['other: x\ndata: y\n\n', [{ data: 'y' }]],
    ['data: never finished\n', []],
    ['', []],
  ];
  for (const [text, expected] of cases) assert.deepEqual(await parse(text), expected, JSON.stringify(text));
});

test('line ends of all kinds', async () => {
  for (const end of ['\n', '\r\n']) {
    assert.deepEqual(await parse(`id: 1${end}data: a${end}${end}data: b${end}${end}`), [
      { id: '1', data: 'a' },
      { data: 'b' },
    ]);
  }
});

test('blocks that arrive in pieces', async () => {
  const whole = 'id: 12\ndata: {"text": "Grüße 😀"}\n\ndata: next\n\n';
  const expected = await parse(whole);
  assert.equal(expected.length, 2);
  const bytes = new TextEncoder().encode(whole);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    assert.deepEqual(await parse(bytes.slice(0, cut), bytes.slice(cut)), expected, `cut at ${cut}`);
  }
});
