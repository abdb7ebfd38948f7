import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, OfflineError } from '../../../chatapi/static/chatapi/api/client.js';
import { describeError } from '../../static/chats/conversation/errors.js';

test('known codes have a sentence of their own', () => {
  const codes = ['wrong_password', 'banned', 'chat_closed', 'permission_denied', 'server_error'];
  const sentences = codes.map((code) => describeError(new ApiError(403, { code, message: 'Raw.' }, null)));
  assert.equal(new Set(sentences).size, codes.length);
  assert.ok(!sentences.includes('Raw.'));
});

test('a rate limit names the wait, in minutes if it is long', () => {
  const cases = [
    [1, '1 second.'],
    [89, '89 seconds.'],
    [90, '2 minutes.'],
    [3_600, '60 minutes.'],
    [null, '60 seconds.'],
  ];
  for (const [seconds, end] of cases) {
    const text = describeError(new ApiError(429, { code: 'rate_limited' }, seconds));
    assert.ok(text.endsWith(end), text);
  }
});

test('other codes fall back to the API’s words', () => {
  const errors = { email: ['Not an address.'], name: ['Too long.'] };
  assert.equal(
    describeError(new ApiError(422, { code: 'invalid', message: 'Invalid.', errors }, null)),
    'Not an address. Too long.',
  );
  assert.equal(describeError(new ApiError(409, { code: 'conflict', message: 'In use.' }, null)), 'In use.');
});

test('without a response the connection is to blame', () => {
  assert.match(describeError(new OfflineError('Failed to fetch')), /No connection/);
});
