import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

const fresh = (query) => import(`../../static/chatapi/storage/storage.js?${query}`);

/** Replace localStorage by one that the browser blocks. */
function block() {
  const { localStorage } = globalThis;
  const get = () => {
    throw new DOMException('The operation is insecure.', 'SecurityError');
  };
  Object.defineProperty(globalThis, 'localStorage', { get, configurable: true });
  return () =>
    Object.defineProperty(globalThis, 'localStorage', { value: localStorage, configurable: true, writable: true });
}

test('values are stored as JSON and deleted by null', async () => {
  const { getStored, isStorageBlocked, setStored } = await fresh('plain');
  assert.equal(isStorageBlocked(), false);
  for (const value of ['text', 7, false, { a: [1, null] }]) {
    setStored('key', value);
    assert.deepEqual(getStored('key'), value);
    assert.deepEqual(JSON.parse(localStorage.getItem('key')), value);
  }
  setStored('key', null);
  assert.equal(getStored('key'), null);
  assert.equal(localStorage.getItem('key'), null);
});

test('what is not JSON reads as null', async () => {
  const { getStored } = await fresh('plain');
  localStorage.setItem('broken', '{');
  assert.equal(getStored('broken'), null);
});

test('a full storage still remembers the value for this page', async () => {
  const { getStored, setStored } = await fresh('full');
  const long = 'x'.repeat(localStorage.limit + 1);
  setStored('long', long);
  assert.equal(localStorage.getItem('long'), null);
  assert.equal(getStored('long'), long);
});

test('blocked storage remembers for this page, and has another page store', async (context) => {
  context.after(block());
  const { delegateStorage, getStored, isStorageBlocked, setStored } = await fresh('blocked');
  assert.equal(isStorageBlocked(), true);
  const save = mock.fn();
  delegateStorage({ old: 1 }, save);
  setStored('new', 2);
  setStored('old', null);
  assert.deepEqual(
    save.mock.calls.map((call) => call.arguments[0]),
    [{ old: 1, new: 2 }, { new: 2 }],
  );
  assert.deepEqual([getStored('old'), getStored('new'), getStored('none')], [null, 2, null]);
});
