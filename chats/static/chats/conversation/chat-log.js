// A chat's log in order and each event once, out of a source that may repeat events, swap some, or begin too
// late: a hole in the sequence is filled from the API.

const PATIENCE = 500; // milliseconds in which a missing event may come by itself
const AGAIN = 5_000; // milliseconds until the API is asked again
const PAGE = 500;

export class ChatLog {
  /** `after` is the seq of the last event that is known; `onEvent(event)` gets those that follow. */
  constructor({ api, path, after, onEvent, signal }) {
    Object.assign(this, { api, path, onEvent, signal });
    this.last = after;
    this.early = new Map(); // seq → event, behind a hole
    this.loading = null;
    signal.addEventListener('abort', () => clearTimeout(this.clock));
  }

  /** An event from the source. */
  take(event) {
    if (event.seq <= this.last || this.signal.aborted) return;
    this.early.set(event.seq, event);
    this.deliver();
    if (this.early.size > 0) this.clock ??= setTimeout(() => this.catchUp(), PATIENCE);
  }

  /** Ask the API for what has happened since the last event. */
  catchUp() {
    clearTimeout(this.clock);
    this.clock = null;
    this.loading ??= this.load()
      .catch((error) => {
        if (error.passes && !this.signal.aborted) this.clock ??= setTimeout(() => this.catchUp(), AGAIN);
      })
      .finally(() => {
        this.loading = null;
      });
    return this.loading;
  }

  async load() {
    let page;
    do {
      page = await this.api.get(`${this.path}/events?after=${this.last}&limit=${PAGE}`, { signal: this.signal });
      for (const event of page.data) this.early.set(event.seq, event);
      this.deliver();
    } while (page.data.length === PAGE);
  }

  deliver() {
    for (let event = this.early.get(this.last + 1); event; event = this.early.get(this.last + 1)) {
      this.last += 1;
      this.early.delete(this.last);
      try {
        this.onEvent(event);
      } catch (error) {
        reportError(error); // a fault of ours, for which the next event need not wait
      }
    }
    for (const seq of this.early.keys()) if (seq <= this.last) this.early.delete(seq);
  }
}
