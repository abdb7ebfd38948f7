// The API as a person who is logged in: by a token that the website gives to this browser, and that
// ends with the log-out.

import { Api, ApiError, OfflineError } from './client.js';
import { keep, kept } from '../storage/storage.js';

const SPARE = 5 * 60_000; // milliseconds before its end at which a token is not begun with

export class BrowserApi extends Api {
  /** `userId` is the account's; `csrf` what the page's forms send along. */
  constructor({ userId, csrf }) {
    super();
    this.key = `chatapi:browser:${userId}`;
    this.csrf = csrf;
    this.renewing = null;
  }

  /** Have a token, before the first call. */
  async begin() {
    if (!this.takeKept()) await this.renew();
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

  /** Another token, as this one is good no more; the log-in page when nobody is logged in. */
  renew() {
    this.renewing ??= this.ask().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  async ask() {
    const former = this.token;
    if (this.takeKept() && this.token !== former) return; // another tab had it renewed
    let answer;
    try {
      answer = await fetch('/account/browser-token', {
        method: 'POST',
        headers: { 'X-CSRFToken': this.csrf },
        signal: AbortSignal.timeout(20_000),
      });
    } catch (error) {
      throw new OfflineError(error.message);
    }
    const body = await answer.json().catch(() => ({}));
    if (answer.status === 401 || answer.status === 403) {
      keep(this.key, null);
      location.reload();
    }
    if (!answer.ok) throw new ApiError(answer.status, body, Number(answer.headers.get('Retry-After')) || null);
    // By the clock here, which may differ from the server's: how long it lasts.
    const lasts = Date.parse(body.expires_at) - Date.parse(answer.headers.get('Date') ?? new Date().toUTCString());
    keep(this.key, { token: body.token, until: Date.now() + lasts });
    this.token = body.token;
  }

  takeKept() {
    const found = kept(this.key);
    if (!found || !(found.until - Date.now() >= SPARE)) return false;
    this.token = found.token;
    return true;
  }
}
