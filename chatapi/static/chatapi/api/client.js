// The public API, as any integrator would call it.

const PATIENCE = 20_000; // milliseconds until a request counts as lost

/** An answer that refuses: `status`, `code`, `message` and `errors` are those of the error body. */
export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super(body.message ?? `${status}`);
    this.status = status;
    this.code = body.code ?? 'server_error';
    this.errors = body.errors ?? {};
    this.retryAfter = retryAfter; // seconds; null when nothing was said
  }

  /** Whether the same request may fare better later. */
  get passes() {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer: the network or the server is away. The request may have been carried out. */
export class OfflineError extends Error {
  get passes() {
    return true;
  }
}

export class Api {
  /** `token` is a bearer token or null; `onRefused` is told when the server knows it no more. */
  constructor({ token = null, onRefused = null } = {}) {
    this.token = token;
    this.onRefused = onRefused;
  }

  get(path, options) {
    return this.call('GET', path, undefined, options);
  }

  post(path, body, options) {
    return this.call('POST', path, body, options);
  }

  put(path, body, options) {
    return this.call('PUT', path, body, options);
  }

  delete(path, options) {
    return this.call('DELETE', path, undefined, options);
  }

  /**
   * The body of the answer. Throws ApiError and OfflineError; an AbortError when `signal` aborts.
   * `key` is an Idempotency-Key: with it, the same call may be made again and is carried out once.
   */
  async call(method, path, body, { key = null, signal = null } = {}) {
    // Mails come in the page's language.
    const headers = { Accept: 'application/json', 'Accept-Language': document.documentElement.lang };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (key) headers['Idempotency-Key'] = key;
    const signals = [AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])];
    let answer;
    let content;
    try {
      answer = await fetch(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.any(signals),
        credentials: 'omit',
        cache: 'no-store',
      });
      content = await answer.json();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (answer && !answer.ok) throw new ApiError(answer.status, {}, null); // of a proxy, in HTML
      throw new OfflineError(error.message);
    }
    if (answer.ok) return content;
    const seconds = Number.parseInt(answer.headers.get('Retry-After') ?? '', 10);
    const refusal = new ApiError(answer.status, content, Number.isNaN(seconds) ? null : seconds);
    if (refusal.status === 401) this.onRefused?.(refusal);
    throw refusal;
  }
}
