// The API for a logged-in person, with a token that the website issues to this browser and revokes at log-out.

import { getStored, setStored } from '../storage/storage.js';
import { Api, ApiError, OfflineError } from './client.js';

const TIMEOUT = 20_000; // milliseconds
const MIN_LIFETIME = 5 * 60_000; // milliseconds; a stored token that expires sooner is not used

export class BrowserApi extends Api {
  /**
   * @param {object} options
   * @param {string} options.userId the account's id
   * @param {string} options.csrf the CSRF token of the page's forms
   */
  constructor({ userId, csrf }) {
    super();
    this.key = `chatapi:browser:${userId}`;
    this.csrf = csrf;
    this.renewing = null;
  }

  /** Get a token. Call this before the first request. */
  async authenticate() {
    if (!this.useStored()) await this.renew();
    return this;
  }

  async call(method, path, body, options) {
    const sent = this.token;
    try {
      return await super.call(method, path, body, options);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      if (this.token === sent) await this.renew();
      return super.call(method, path, body, options);
    }
  }

  /** Replace a token that is no longer valid. Reloads the page, which leads to the log-in, after a log-out. */
  renew() {
    this.renewing ??= this.requestToken().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  async requestToken() {
    const former = this.token;
    if (this.useStored() && this.token !== former) return; // another tab has renewed it
    let response;
    try {
      response = await fetch('/account/browser-token', {
        method: 'POST',
        headers: { 'X-CSRFToken': this.csrf },
        signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch (error) {
      throw new OfflineError(error.message);
    }
    const body = await response.json().catch(() => ({}));
    if (response.status === 401 || response.status === 403) {
      setStored(this.key, null);
      location.reload();
    }
    if (!response.ok) {
      throw new ApiError(response.status, body, Number(response.headers.get('Retry-After')) || null);
    }
    // The browser's clock may differ from the server's, so only the token's lifetime is taken over.
    const now = response.headers.get('Date') ?? new Date().toUTCString();
    const lifetime = Date.parse(body.expires_at) - Date.parse(now);
    setStored(this.key, { token: body.token, until: Date.now() + lifetime });
    this.token = body.token;
  }

  useStored() {
    const stored = getStored(this.key);
    if (!stored || !(stored.until - Date.now() >= MIN_LIFETIME)) return false;
    this.token = stored.token;
    return true;
  }
}
