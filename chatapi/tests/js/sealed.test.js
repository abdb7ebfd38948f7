import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seal, unseal } from '../../static/chatapi/storage/sealed.js';

/** A cookie jar that stores what `accepts` says. */
function useCookies({ accepts = true } = {}) {
  let stored = 'other=1';
  Object.defineProperty(document, 'cookie', {
    get: () => stored,
    set: (text) => {
      if (accepts) stored = `other=1; ${text.split(';')[0]}`;
    },
    configurable: true,
  });
}

test('what is sealed can be unsealed, and not be read', async () => {
  useCookies();
  for (const values of [{}, { token: 'secret', text: 'Grüße 😀' }, { list: Array(5_000).fill('x') }]) {
    const text = await seal(values);
    assert.ok(!atob(text).includes('secret'));
    assert.deepEqual(await unseal(text), values);
  }
});

test('the same values are never sealed to the same text', async () => {
  useCookies();
  assert.notEqual(await seal({ a: 1 }), await seal({ a: 1 }));
});

test('other texts unseal to nothing', async () => {
  useCookies();
  const text = await seal({ a: 1 });
  const altered = `${text.slice(0, -4)}${text.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
  for (const other of [undefined, null, 7, {}, '', 'no base64!', btoa('short'), altered, 'A'.repeat(1_000_001)]) {
    assert.deepEqual(await unseal(other), {});
  }
  useCookies(); // another website around the panel, another key
  await seal({});
  assert.deepEqual(await unseal(text), {});
});

test('without a cookie nothing is sealed', async () => {
  useCookies({ accepts: false });
  assert.equal(await seal({ a: 1 }), null);
  assert.deepEqual(await unseal('AAAA'), {});
});
