import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Deduplicator } from '../../static/chatapi/stream/deduplicator.js';

test('an event is new once, and only after the position', () => {
  const deduplicator = new Deduplicator('0005-1');
  const cases = [
    ['0004-9', false],
    ['0005-1', false],
    ['0005-2', true],
    ['0005-2', false],
    ['0007-1', true],
    ['0006-1', true], // late, but new
    ['0006-1', false],
  ];
  for (const [id, expected] of cases) assert.equal(deduplicator.isNew(id), expected, id);
});

test('ids are forgotten once the stream cannot repeat them', () => {
  let now = 0;
  mock.method(performance, 'now', () => now);
  const deduplicator = new Deduplicator('0');
  for (let second = 0; second < 1_000; second += 1) {
    now = second * 1000;
    deduplicator.isNew(`1-${String(second).padStart(4, '0')}`);
  }
  assert.ok(deduplicator.seen.size <= 121, String(deduplicator.seen.size));
  assert.equal(deduplicator.isNew('1-0990'), false); // ten seconds ago
});
