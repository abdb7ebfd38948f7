import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Api, ApiError, OfflineError } from '../../static/chatapi/api/client.js';
import { fakeFetch, settle } from './browser.js';

test('a request has the token, the language, and JSON only where there is a body', async () => {
  const requests = fakeFetch();
  const api = new Api({ token: 'cnc_1' });
  api.get('/api/chats');
  api.post('/api/chats', { name: 'Ä' }, { key: 'k1' });
  api.put('/api/chats/1', { status: 'closed' });
  api.delete('/api/chats/1');
  new Api().get('/api/user');
  assert.deepEqual(
    requests.map(({ method, url, body }) => [method, url, body]),
    [
      ['GET', '/api/chats', undefined],
      ['POST', '/api/chats', '{"name":"Ä"}'],
      ['PUT', '/api/chats/1', '{"status":"closed"}'],
      ['DELETE', '/api/chats/1', undefined],
      ['GET', '/api/user', undefined],
    ],
  );
  const [read, write, , , anonymous] = requests.map(({ headers }) => headers);
  assert.deepEqual(read, { Accept: 'application/json', 'Accept-Language': 'en', Authorization: 'Bearer cnc_1' });
  assert.equal(write['Content-Type'], 'application/json');
  assert.equal(write['Idempotency-Key'], 'k1');
  assert.ok(!('Authorization' in anonymous));
  assert.ok(requests.every(({ credentials }) => credentials === 'omit'));
});

test('the response body is the result', async () => {
  const requests = fakeFetch();
  for (const body of [{ id: 1 }, { data: [] }, null]) {
    const result = new Api().get('/');
    requests.at(-1).respond(200, JSON.stringify(body));
    assert.deepEqual(await result, body);
  }
});

test('error responses', async () => {
  const requests = fakeFetch();
  const cases = [
    [
      422,
      { code: 'invalid', message: 'Wrong.', errors: { email: ['No.'] } },
      {},
      { code: 'invalid', message: 'Wrong.', retryAfter: null, isTransient: false },
    ],
    [
      429,
      { code: 'rate_limited' },
      { 'Retry-After': '30' },
      { code: 'rate_limited', message: '429', retryAfter: 30, isTransient: true },
    ],
    [
      503,
      {},
      { 'Retry-After': 'Fri, 31 Dec 1999 23:59:59 GMT' },
      { code: 'server_error', retryAfter: null, isTransient: true },
    ],
    [502, '<html>Bad gateway</html>', {}, { code: 'server_error', retryAfter: null, isTransient: true }],
    [404, {}, {}, { code: 'server_error', isTransient: false }],
  ];
  for (const [status, body, headers, expected] of cases) {
    const result = new Api().get('/');
    requests.at(-1).respond(status, body, headers);
    await assert.rejects(result, (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, status);
      for (const [name, value] of Object.entries(expected)) assert.equal(error[name], value, `${status} ${name}`);
      return true;
    });
  }
});

test('only a 401 is reported as unauthorized', async () => {
  const requests = fakeFetch();
  const onUnauthorized = mock.fn();
  const api = new Api({ token: 't', onUnauthorized });
  for (const status of [401, 403, 500]) {
    const result = api.get('/');
    requests.at(-1).respond(status);
    await assert.rejects(result);
  }
  assert.deepEqual(
    onUnauthorized.mock.calls.map((call) => call.arguments[0].status),
    [401],
  );
});

test('no response is an OfflineError, which may pass', async () => {
  const requests = fakeFetch();
  const lost = new Api().get('/');
  requests[0].fail();
  await assert.rejects(lost, (error) => error instanceof OfflineError && error.isTransient);
  const html = new Api().get('/');
  requests[1].respond(200, '<html>a login page of the network</html>');
  await assert.rejects(html, OfflineError);
});

test('an aborted request rejects with the reason', async () => {
  fakeFetch();
  const controller = new AbortController();
  const result = new Api().get('/', { signal: controller.signal });
  controller.abort(new Error('closed'));
  await assert.rejects(result, /closed/);
  await settle();
});
