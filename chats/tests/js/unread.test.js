import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Unread } from '../../static/chats/conversation/unread.js';

const start = () => new Unread({ count: 2, upTo: 5, asOf: 10 });

test('messages are counted if the server’s count does not include them', () => {
  const cases = [
    [[{ seq: 11 }], 3],
    [[{ seq: 11 }, { seq: 12 }], 4],
    [[{ seq: 9 }], 2], // included
    [[{ seq: 4 }], 2], // read
  ];
  for (const [messages, count] of cases) {
    const unread = start();
    for (const message of messages) unread.created(message);
    assert.equal(unread.count, count);
  }
});

test('a deletion uncounts an unread message', () => {
  const cases = [
    [{ seq: 7 }, 11, 1],
    [{ seq: 7 }, 10, 2], // the server knew of the deletion
    [{ seq: 5 }, 11, 2], // the message was read
  ];
  for (const [message, seq, count] of cases) {
    const unread = start();
    unread.deleted(message, seq);
    assert.equal(unread.count, count);
  }
  const none = new Unread({ count: 0, upTo: 5, asOf: 10 });
  none.deleted({ seq: 7 }, 11);
  assert.equal(none.count, 0);
});

test('reading up to the newest message leaves none unread', () => {
  const unread = start();
  assert.equal(unread.read(9, 9), true);
  assert.equal(unread.count, 0);
});

test('reading up to an earlier message needs the server’s count', () => {
  const unread = start();
  assert.equal(unread.read(7, 9), false);
  unread.reset({ count: 1, asOf: 12 });
  assert.equal(unread.count, 1);
  unread.created({ seq: 12 });
  unread.created({ seq: 13 });
  assert.equal(unread.count, 2);
});

test('reading what was read before changes nothing', () => {
  const unread = start();
  assert.equal(unread.read(3, 9), true);
  assert.equal(unread.count, 2);
});
