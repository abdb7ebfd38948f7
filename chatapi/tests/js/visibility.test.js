import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { isVisible, onVisibilityChange, SharedVisibility, setCovered } from '../../static/chatapi/ui/visibility.js';
import { setHidden, settle } from './browser.js';

test('a page is visible unless its tab is hidden or the page around it covers it', () => {
  for (const [hidden, covered, visible] of [
    [false, false, true],
    [true, false, false],
    [false, true, false],
    [true, true, false],
  ]) {
    setHidden(hidden);
    setCovered(covered);
    assert.equal(isVisible(), visible);
  }
  setHidden(false);
  setCovered(false);
});

test('listeners hear of both, until their signal aborts', () => {
  const listener = mock.fn();
  const controller = new AbortController();
  onVisibilityChange(listener, { signal: controller.signal });
  setHidden(true);
  setCovered(true);
  setHidden(false);
  setCovered(false);
  assert.equal(listener.mock.callCount(), 4);
  controller.abort();
  setHidden(true);
  setHidden(false);
  assert.equal(listener.mock.callCount(), 4);
});

test('a group is visible while one of its tabs holds the lock', async () => {
  const group = new SharedVisibility('inbox');
  assert.equal(await group.isVisibleAnywhere(), true);
  setHidden(true);
  await settle();
  assert.equal(await group.isVisibleAnywhere(), false);
  let close;
  navigator.locks.request(group.name, { mode: 'shared' }, () => new Promise((resolve) => (close = resolve))); // another tab
  assert.equal(await group.isVisibleAnywhere(), true);
  close();
  await settle();
  assert.equal(await group.isVisibleAnywhere(), false);
  setHidden(false);
  assert.equal(navigator.locks.held.length, 1); // this tab's again
});
