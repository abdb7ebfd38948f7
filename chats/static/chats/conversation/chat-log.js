// Delivers a chat's log, without the members' log, in order and each event once. The source may repeat, reorder or miss
// events; gaps in the sequence are filled from the API.

const GAP_TIMEOUT = 500; // milliseconds for a missing event to arrive by itself
const RETRY_DELAY = 5_000; // milliseconds after a failed request
const PAGE = 500;

export class ChatLog {
  /**
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api
   * @param {string} options.path the chat's, in the API
   * @param {number} options.after the seq of the last event that the caller knows
   * @param {(event: any) => void} options.onEvent gets the events that follow
   * @param {AbortSignal} options.signal
   */
  constructor({ api, path, after, onEvent, signal }) {
    this.api = api;
    this.path = path;
    this.onEvent = onEvent;
    this.signal = signal;
    this.last = after;
    /** @type {Map<number, any>} seq → event, after a gap */
    this.pending = new Map();
    this.timer = null;
    /** @type {Promise<void> | null} */
    this.loading = null;
    signal.addEventListener('abort', () => clearTimeout(this.timer));
  }

  /** Take an event from the source. */
  add(event) {
    if (event.seq <= this.last || this.signal.aborted) return;
    this.pending.set(event.seq, event);
    this.deliver();
    if (this.pending.size > 0) this.timer ??= setTimeout(() => this.catchUp(), GAP_TIMEOUT);
  }

  /** Fetch the events after the last one from the API. */
  catchUp() {
    clearTimeout(this.timer);
    this.timer = null;
    this.loading ??= this.load()
      .catch((error) => {
        if (error.isTransient && !this.signal.aborted) this.timer ??= setTimeout(() => this.catchUp(), RETRY_DELAY);
      })
      .finally(() => {
        this.loading = null;
      });
    return this.loading;
  }

  async load() {
    let page;
    let after = this.last;
    do {
      page = await this.api.get(`${this.path}/events?after=${after}&limit=${PAGE}`, { signal: this.signal });
      for (const event of page.data) if (!event.member_seq) this.pending.set(event.seq, event);
      this.deliver();
      after = page.last_id ?? this.last;
    } while (page.data.length === PAGE);
  }

  deliver() {
    for (let event = this.pending.get(this.last + 1); event; event = this.pending.get(this.last + 1)) {
      this.last += 1;
      this.pending.delete(this.last);
      try {
        this.onEvent(event);
      } catch (error) {
        reportError(error); // a bug in the page must not stop the log
      }
    }
    for (const seq of this.pending.keys()) if (seq <= this.last) this.pending.delete(seq);
  }
}
