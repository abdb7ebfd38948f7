// One event stream for all tabs of a browser that follow the same thing. Over HTTP/1.1 a browser opens six
// connections to a host, and each stream takes one of them.
//
// The tabs compete for a lock. The tab that holds it, the leader, reads the stream and broadcasts what arrives. When
// it closes, the browser passes the lock to the next tab, which resumes after the last event that it heard. If the
// leader does not answer because its tab was put to sleep, a visible tab steals the lock.
//
// Where the browser has no locks, or a frame may not use them, each tab reads a stream of its own and pauses it after
// being hidden for a while.

import { follow } from './follow.js';

// All in milliseconds.
const MAX_SILENCE = 20_000; // before a tab checks its leader, which broadcasts a heartbeat every 15 s
const ANSWER_TIMEOUT = 3_000; // for the leader to answer a check
const TICK = 5_000;
const PAUSE_AFTER = 10_000; // in a hidden tab that reads its own stream
const MIN_REOPEN_INTERVAL = 6_000; // between reconnections because of other open chats

/** The broadcasts that pass on what the leader's stream delivers. */
const FROM_STREAM = ['event', 'ephemeral', 'position', 'heartbeat', 'state', 'end'];

/**
 * Follow a stream together with the other tabs that use the same `name`.
 *
 * A tab gets everything that the stream delivers after the constructor was called. To know what happened before, ask
 * the API after calling it.
 */
export class SharedStream {
  /**
   * The callbacks are those of `follow`, called in every tab. `onEnd` is called in the leader first, and in the others
   * only if it has no other token.
   *
   * @param {string} name
   * @param {object} options
   * @param {(open: number[]) => string} options.path gets the ids of the chats that any of the tabs has open
   * @param {() => string} options.token
   * @param {string | number | null} [options.after] the id of the last event that this tab knows
   * @param {(event: any, id: string) => void} [options.onEvent]
   * @param {(event: any) => void} [options.onEphemeral]
   * @param {(state: import('./follow.js').State) => void} [options.onState]
   * @param {(reason: import('./follow.js').EndReason) => any} [options.onEnd]
   * @param {AbortSignal} options.signal
   */
  constructor(name, { path, token, after = null, onEvent, onEphemeral, onState, onEnd, signal }) {
    this.path = path;
    this.token = token;
    this.onEvent = onEvent;
    this.onEphemeral = onEphemeral;
    this.onState = onState;
    this.onEnd = onEnd;
    this.signal = signal;
    this.name = `chatapi:events:${name}`;
    this.tab = crypto.getRandomValues(new Uint32Array(2)).join('-');
    this.last = after;
    /** @type {import('./follow.js').State} */
    this.state = 'connecting';
    /** @type {Map<string, number[]>} tab → ids of the chats that it has open */
    this.open = new Map([[this.tab, []]]);
    this.heardAt = Date.now(); // from the leader
    /** @type {ReturnType<typeof follow> | null} the leader's */
    this.stream = null;
    /** @type {AbortController | null} ends this tab's lead, or its place in the queue */
    this.claim = null;
    /** @type {BroadcastChannel | null} */
    this.channel = null;
    this.checking = null; // timer of the check under way
    this.reopening = null; // timer
    this.reopenedAt = 0;
    this.start();
  }

  start() {
    try {
      this.channel = new BroadcastChannel(this.name);
      if (!navigator.locks) throw new Error('only pages of secure origins have locks');
    } catch {
      this.channel?.close();
      this.channel = null;
      this.followAlone();
      return;
    }
    const { signal } = this;
    this.channel.addEventListener('message', ({ data }) => this.received(data));
    const check = () => this.checkLeader();
    addEventListener('online', check, { signal });
    document.addEventListener('visibilitychange', () => document.hidden || check(), { signal });
    const ticks = setInterval(() => document.hidden || Date.now() - this.heardAt < MAX_SILENCE || check(), TICK);
    const leave = () => this.post('gone');
    addEventListener('pagehide', leave, { signal });
    addEventListener('pageshow', ({ persisted }) => persisted && this.announce(), { signal });
    signal.addEventListener('abort', () => {
      clearInterval(ticks);
      leave();
      this.claim.abort();
      this.channel.close();
    });
    this.announce();
    this.compete();
  }

  /**
   * Set which chats this tab has open. Reconnects, because the stream reports presence for open chats only.
   *
   * @param {number[]} ids
   */
  setOpen(ids) {
    this.open.set(this.tab, ids);
    this.announce({ changed: true });
    this.reopenSoon();
  }

  get allOpen() {
    return [...new Set([...this.open.values()].flat())].sort((a, b) => a - b);
  }

  // --- The lead ---

  compete({ steal = false } = {}) {
    this.claim?.abort();
    const claim = new AbortController();
    this.claim = claim;
    const lead = () =>
      /** @type {Promise<void>} */ (
        new Promise((resolve) => {
          claim.signal.addEventListener('abort', () => resolve());
          if (claim.signal.aborted) resolve();
          else this.lead(claim.signal);
        })
      );
    navigator.locks.request(this.name, steal ? { steal } : { signal: claim.signal }, lead).catch((error) => {
      if (this.claim !== claim || this.signal.aborted) return; // this tab gave it up itself
      const led = this.stream !== null;
      claim.abort();
      // After another tab has stolen the lead, queue for it again.
      if (led) this.compete();
      else if (error.name === 'SecurityError') this.followAlone();
    });
  }

  lead(signal) {
    this.follow(signal);
    this.post('roll-call');
  }

  follow(signal) {
    signal.addEventListener('abort', () => {
      this.stream = null;
      clearTimeout(this.reopening);
    });
    this.stream = follow(() => this.path(this.allOpen), {
      token: this.token,
      after: this.last,
      signal,
      onEvent: (event, id) => this.broadcast('event', { event, id }),
      onEphemeral: (event) => this.broadcast('ephemeral', { event }),
      onPosition: (id) => this.broadcast('position', { id }),
      onHeartbeat: () => this.post('heartbeat'),
      onState: (state) => this.broadcast('state', this.status(state)),
      onEnd: async (reason) => {
        if (await this.onEnd?.(reason)) return true;
        this.post('end', { reason });
        return false;
      },
    });
  }

  status(state) {
    return { state, id: this.last, hidden: document.hidden };
  }

  /** Follow the stream without the other tabs. */
  followAlone() {
    let timer;
    let connection = null;
    const update = () => {
      clearTimeout(timer);
      if (document.hidden) {
        timer = setTimeout(() => {
          connection?.abort();
          connection = null;
        }, PAUSE_AFTER);
      } else if (!connection) {
        connection = new AbortController();
        this.follow(connection.signal);
      }
    };
    connection = new AbortController();
    this.follow(connection.signal);
    document.addEventListener('visibilitychange', update, { signal: this.signal });
    this.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      connection?.abort();
    });
    update();
  }

  /** Make sure that a tab leads and that its connection is alive. */
  checkLeader() {
    if (this.stream || this.checking) return; // the leader's stream checks itself
    const since = Date.now();
    this.post('check');
    this.checking = setTimeout(() => {
      this.checking = null;
      const unanswered = this.heardAt < since;
      if (!this.stream && !document.hidden && !this.signal.aborted && unanswered) this.compete({ steal: true });
    }, ANSWER_TIMEOUT);
  }

  reopenSoon() {
    if (!this.stream) return;
    clearTimeout(this.reopening);
    const delay = this.reopenedAt + MIN_REOPEN_INTERVAL - Date.now();
    if (delay > 0) this.reopening = setTimeout(() => this.reopen(), delay);
    else this.reopen();
  }

  reopen() {
    this.reopenedAt = Date.now();
    this.stream?.restart();
  }

  // --- Messages between the tabs ---

  announce({ ask = true, changed = false } = {}) {
    this.post('here', { open: this.open.get(this.tab), ask, changed });
  }

  post(type, values = {}) {
    this.channel?.postMessage({ type, tab: this.tab, ...values });
  }

  /** Deliver to this tab and to the others. */
  broadcast(type, values) {
    this.post(type, values);
    this.deliver({ type, ...values });
  }

  received(message) {
    if (this.signal.aborted) return;
    const { type, tab } = message;
    const had = this.open.get(tab) ?? [];
    if (type === 'here') this.open.set(tab, message.open);
    else if (type === 'gone') this.open.delete(tab);
    else if (type === 'roll-call') this.announce({ ask: false });
    if (message.changed || (type === 'gone' && had.length > 0)) this.reopenSoon();
    if (this.stream) {
      if (type === 'check') this.stream.check();
      if (type === 'check' || message.ask) this.post('state', this.status(this.state));
      return; // a former leader's broadcasts: this tab's own stream delivers the same
    }
    if (FROM_STREAM.includes(type)) {
      this.heardAt = Date.now();
      this.deliver(message);
      // Browsers slow down the timers of hidden tabs, so a visible one reconnects sooner.
      if (message.state === 'disconnected' && message.hidden && !document.hidden) this.compete({ steal: true });
    }
  }

  /** Call this tab's callbacks. */
  deliver({ type, event, id, state, reason }) {
    if (type === 'event') this.attempt(() => this.onEvent?.(event, id));
    else if (type === 'ephemeral') this.attempt(() => this.onEphemeral?.(event));
    else if (type === 'end') this.onEnd?.(reason);
    else if (type === 'state' && state !== this.state) {
      this.state = state;
      this.attempt(() => this.onState?.(state));
    }
    if (id !== undefined && id !== null) this.last = id;
  }

  attempt(callback) {
    try {
      callback();
    } catch (error) {
      reportError(error); // a bug in the page must not stop the stream
    }
  }
}
