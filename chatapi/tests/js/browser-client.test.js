import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { BrowserApi } from '../../static/chatapi/api/browser-client.js';
import { ApiError, OfflineError } from '../../static/chatapi/api/client.js';
import { getStored, setStored } from '../../static/chatapi/storage/storage.js';
import { fakeFetch, settle } from './browser.js';

const KEY = 'chatapi:browser:7';
const HOUR = 3_600_000;
let requests;

beforeEach(() => {
  setStored(KEY, null);
  requests = fakeFetch();
});

const create = () => new BrowserApi({ userId: '7', csrf: 'csrf' });
const issue = (request, token, { date = Date.now(), lifetime = HOUR } = {}) =>
  request.respond(
    200,
    { token, expires_at: new Date(date + lifetime).toISOString() },
    { Date: new Date(date).toUTCString() },
  );

test('a token is requested once and stored', async () => {
  const api = create();
  const ready = api.authenticate();
  assert.equal(requests[0].url, '/account/browser-token');
  assert.deepEqual(requests[0].headers, { 'X-CSRFToken': 'csrf' });
  issue(requests[0], 'one');
  assert.equal(await ready, api);
  assert.equal(api.token, 'one');
  await create().authenticate();
  assert.equal(requests.length, 1);
});

test('a token that expires soon is not used', async () => {
  for (const [left, used] of [
    [HOUR, true],
    [4 * 60_000, false],
    [-1, false],
    [Number.NaN, false],
  ]) {
    setStored(KEY, { token: 'stored', until: Date.now() + left });
    assert.equal(create().useStored(), used, String(left));
  }
});

test('the lifetime counts, not the server’s clock', async () => {
  const api = create();
  const ready = api.authenticate();
  issue(requests[0], 'one', { date: Date.parse('2001-01-01T00:00:00Z') });
  await ready;
  const left = getStored(KEY).until - Date.now();
  assert.ok(left > HOUR - 5_000 && left <= HOUR, String(left));
});

test('requests that fail for an expired token are repeated with one new token', async () => {
  setStored(KEY, { token: 'old', until: Date.now() + HOUR });
  const api = await create().authenticate();
  const results = [api.get('/a'), api.get('/b')];
  requests[0].respond(401);
  requests[1].respond(401);
  await settle();
  setStored(KEY, getStored(KEY)); // unchanged: no other tab has renewed it
  assert.deepEqual(
    requests.slice(2).map(({ url }) => url),
    ['/account/browser-token'],
  );
  issue(requests[2], 'new');
  await settle();
  assert.deepEqual(
    requests
      .slice(3)
      .map(({ url, headers }) => [url, headers.Authorization])
      .sort(),
    [
      ['/a', 'Bearer new'],
      ['/b', 'Bearer new'],
    ],
  );
  for (const request of requests.slice(3)) request.respond(200, { url: request.url });
  assert.deepEqual(await Promise.all(results), [{ url: '/a' }, { url: '/b' }]);
});

test('a request that fails after the renewal is repeated with the new token', async () => {
  setStored(KEY, { token: 'old', until: Date.now() + HOUR });
  const api = await create().authenticate();
  const results = [api.get('/a'), api.get('/b')];
  requests[0].respond(401);
  await settle();
  issue(requests[2], 'new');
  await settle();
  requests[1].respond(401);
  await settle();
  assert.deepEqual(
    requests.slice(2).map(({ url }) => url),
    ['/account/browser-token', '/a', '/b'],
  );
  for (const request of requests.slice(3)) request.respond(200, { token: request.headers.Authorization });
  assert.deepEqual(await Promise.all(results), [{ token: 'Bearer new' }, { token: 'Bearer new' }]);
});

test('a token that another tab has renewed is taken over', async () => {
  setStored(KEY, { token: 'old', until: Date.now() + HOUR });
  const api = await create().authenticate();
  setStored(KEY, { token: 'new', until: Date.now() + HOUR });
  await api.renew();
  assert.equal(api.token, 'new');
  assert.equal(requests.length, 0);
});

test('other errors are not repeated', async () => {
  setStored(KEY, { token: 'old', until: Date.now() + HOUR });
  const api = await create().authenticate();
  const result = api.get('/a');
  requests[0].respond(403);
  await assert.rejects(result, ApiError);
  assert.equal(requests.length, 1);
});

test('after a log-out the page is loaded again', async () => {
  for (const status of [401, 403]) {
    const before = location.reloads;
    const ready = create().authenticate();
    requests.at(-1).respond(status);
    await assert.rejects(ready, ApiError);
    assert.equal(location.reloads, before + 1);
  }
});

test('without a connection there is no token, and no reload', async () => {
  const before = location.reloads;
  const ready = create().authenticate();
  requests[0].fail();
  await assert.rejects(ready, OfflineError);
  assert.equal(location.reloads, before);
});
