// The public REST API, called as any integrator would call it.

const TIMEOUT = 20_000; // milliseconds

/** An error response. `status`, `code`, `message` and `errors` come from its body. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{message?: string, code?: string, errors?: Record<string, string[]>}} body
   * @param {number | null} retryAfter seconds; null without a Retry-After header
   */
  constructor(status, body, retryAfter) {
    super(body.message ?? `${status}`);
    this.status = status;
    this.code = body.code ?? 'server_error';
    this.errors = body.errors ?? {};
    this.retryAfter = retryAfter;
  }

  /** Return whether the same request may succeed later. */
  get isTransient() {
    return this.status === 429 || this.status >= 500;
  }
}

/** No response: the network or the server is down. The server may have carried out the request. */
export class OfflineError extends Error {
  get isTransient() {
    return true;
  }
}

/**
 * @typedef {object} RequestOptions
 * @property {string | null} [key] an Idempotency-Key, which makes the request safe to repeat
 * @property {AbortSignal | null} [signal]
 */

export class Api {
  /**
   * @param {object} [options]
   * @param {string | null} [options.token] a bearer token
   * @param {((error: ApiError) => void) | null} [options.onUnauthorized] called on every response with status 401
   */
  constructor({ token = null, onUnauthorized = null } = {}) {
    this.token = token;
    this.onUnauthorized = onUnauthorized;
  }

  /** @param {string} path @param {RequestOptions} [options] @returns {Promise<any>} */
  get(path, options) {
    return this.call('GET', path, undefined, options);
  }

  /** @param {string} path @param {object} [body] @param {RequestOptions} [options] @returns {Promise<any>} */
  post(path, body, options) {
    return this.call('POST', path, body, options);
  }

  /** @param {string} path @param {object} [body] @param {RequestOptions} [options] @returns {Promise<any>} */
  put(path, body, options) {
    return this.call('PUT', path, body, options);
  }

  /** @param {string} path @param {RequestOptions} [options] @returns {Promise<any>} */
  delete(path, options) {
    return this.call('DELETE', path, undefined, options);
  }

  /**
   * Return the response body. Throws ApiError, OfflineError, or the signal's reason once it aborts.
   *
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  async call(method, path, body, { key = null, signal = null } = {}) {
    const headers = this.headers;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (key) headers['Idempotency-Key'] = key;
    const signals = [AbortSignal.timeout(TIMEOUT), ...(signal ? [signal] : [])];
    let response;
    let content;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.any(signals),
        credentials: 'omit',
        cache: 'no-store',
      });
      content = await response.json();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (response && !response.ok) throw new ApiError(response.status, {}, null); // a proxy's HTML page
      throw new OfflineError(error.message);
    }
    if (response.ok) return content;
    throw this.errorOf(response.status, content, response.headers.get('Retry-After'));
  }

  /** The headers of every request. */
  get headers() {
    /** @type {Record<string, string>} */
    const headers = {
      Accept: 'application/json',
      'Accept-Language': document.documentElement.lang, // the server picks the language of its mails by it
    };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    return headers;
  }

  /**
   * The error of a response. If the token is refused, `onUnauthorized` is called with it, too.
   *
   * @param {number} status
   * @param {any} content
   * @param {string | null} retryAfter
   */
  errorOf(status, content, retryAfter) {
    const seconds = Number.parseInt(retryAfter ?? '', 10);
    const error = new ApiError(status, content, Number.isNaN(seconds) ? null : seconds);
    if (error.status === 401) this.onUnauthorized?.(error);
    return error;
  }
}
