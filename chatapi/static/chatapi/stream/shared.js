// One event stream for all tabs of a browser that follow the same thing: over HTTP/1.1 a browser has six
// connections to a host, and each stream takes one of them.
//
// The tabs compete for a lock. The one that holds it, the leader, reads the stream and broadcasts what arrives;
// when it closes, the browser gives the lock to the next tab, which continues after the last event that it
// heard. A leader that does not answer, as its tab was put to sleep, loses the lock to a tab that is visible.
//
// Where a browser has no locks, or a frame may not use them, each tab reads a stream of its own, and tabs that
// have been hidden for a while pause theirs.

import { follow } from './follow.js';

const QUIET = 20_000; // milliseconds after which a tab asks whether its leader is there; it hears a line every 15 s
const ANSWER = 3_000; // milliseconds that the leader has to answer
const TICK = 5_000;
const HIDDEN = 10_000; // milliseconds that a stream of its own goes on in a hidden tab
const REOPEN = 6_000; // milliseconds at least until the stream is opened anew for other chats

/**
 * Follow a stream together with the other tabs that give the same `name`.
 *
 * It is at `path(open)`, where `open` are the ids of the chats that any of the tabs has open, and `after` is
 * the id of the last event that this tab knows. The callbacks are those of `follow`, in every tab. `onEnd` is
 * called in the leader first, and in the others only if it has no other token.
 *
 * A tab hears everything that the stream delivers after this call. What it needs to know about the time before,
 * it has to ask for after this call.
 */
export class SharedStream {
  constructor(name, { path, token, after = null, onEvent, onPassing, onState, onEnd, signal }) {
    Object.assign(this, { path, token, onEvent, onPassing, onState, onEnd, signal });
    this.name = `chatapi:stream:${name}`;
    this.tab = crypto.getRandomValues(new Uint32Array(2)).join('-');
    this.last = after;
    this.state = 'connecting';
    this.open = new Map([[this.tab, []]]); // tab → ids of the chats that it has open
    this.heard = Date.now(); // from the leader
    this.stream = null; // of the leader
    this.turn = null; // ends this tab's lead, or its place in the queue
    this.begin();
  }

  begin() {
    try {
      this.channel = new BroadcastChannel(this.name);
      if (!navigator.locks) throw new Error('only pages of secure origins have locks');
    } catch {
      this.channel?.close();
      this.channel = null;
      this.goAlone();
      return;
    }
    const { signal } = this;
    this.channel.addEventListener('message', ({ data }) => this.told(data));
    const doubt = () => this.doubt();
    addEventListener('online', doubt, { signal });
    document.addEventListener('visibilitychange', () => document.hidden || doubt(), { signal });
    const ticks = setInterval(() => document.hidden || Date.now() - this.heard < QUIET || doubt(), TICK);
    const leave = () => this.say('gone');
    addEventListener('pagehide', leave, { signal });
    addEventListener('pageshow', ({ persisted }) => persisted && this.announce(), { signal });
    signal.addEventListener('abort', () => {
      clearInterval(ticks);
      leave();
      this.turn.abort();
      this.channel.close();
    });
    this.announce();
    this.compete();
  }

  /** This tab has these chats open now: the stream is opened anew for them, so that it says who is there. */
  setOpen(ids) {
    this.open.set(this.tab, ids);
    this.announce({ changed: true });
    this.reopenSoon();
  }

  get allOpen() {
    return [...new Set([...this.open.values()].flat())].sort((a, b) => a - b);
  }

  // --- Who leads ---

  compete({ steal = false } = {}) {
    this.turn?.abort();
    const turn = new AbortController();
    this.turn = turn;
    const lead = () =>
      new Promise((resolve) => {
        turn.signal.addEventListener('abort', resolve);
        if (turn.signal.aborted) resolve();
        else this.lead(turn.signal);
      });
    navigator.locks.request(this.name, steal ? { steal } : { signal: turn.signal }, lead).catch((error) => {
      if (this.turn !== turn || this.signal.aborted) return; // given up by this tab itself
      const led = this.stream !== null;
      turn.abort();
      if (led) this.compete(); // another tab took the lead
      else if (error.name === 'SecurityError') this.goAlone();
    });
  }

  lead(signal) {
    this.follow(signal);
    this.say('who'); // is there, with which chats open
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
      onEvent: (event, id) => this.both('event', { event, id }),
      onPassing: (event) => this.both('passing', { event }),
      onPlace: (id) => this.both('place', { id }),
      onBeat: () => this.say('beat'),
      onState: (state) => this.both('state', this.standing(state)),
      onEnd: async (reason) => {
        if (await this.onEnd?.(reason)) return true;
        this.say('end', { reason });
        return false;
      },
    });
  }

  standing(state) {
    return { state, id: this.last, hidden: document.hidden };
  }

  /** Without the other tabs. */
  goAlone() {
    let clock;
    let turn = null;
    const show = () => {
      clearTimeout(clock);
      if (document.hidden) {
        clock = setTimeout(() => {
          turn?.abort();
          turn = null;
        }, HIDDEN);
      } else if (!turn) {
        turn = new AbortController();
        this.follow(turn.signal);
      }
    };
    turn = new AbortController();
    this.follow(turn.signal);
    document.addEventListener('visibilitychange', show, { signal: this.signal });
    this.signal.addEventListener('abort', () => {
      clearTimeout(clock);
      turn?.abort();
    });
    show();
  }

  /** Make sure that somebody leads, and that the leader's connection lives. */
  doubt() {
    if (this.stream || this.doubting) return; // the leader's stream looks after itself
    const since = Date.now();
    this.say('check');
    this.doubting = setTimeout(() => {
      this.doubting = null;
      if (!this.stream && !document.hidden && !this.signal.aborted && this.heard < since) this.compete({ steal: true });
    }, ANSWER);
  }

  reopenSoon() {
    if (!this.stream) return;
    clearTimeout(this.reopening);
    const pause = (this.reopened ?? 0) + REOPEN - Date.now();
    if (pause > 0) this.reopening = setTimeout(() => this.reopen(), pause);
    else this.reopen();
  }

  reopen() {
    this.reopened = Date.now();
    this.stream?.restart();
  }

  // --- What the tabs say to each other ---

  announce({ ask = true, changed = false } = {}) {
    this.say('here', { open: this.open.get(this.tab), ask, changed });
  }

  say(type, values = {}) {
    this.channel?.postMessage({ type, tab: this.tab, ...values });
  }

  /** For this tab and the others. */
  both(type, values) {
    this.say(type, values);
    this.take({ type, ...values });
  }

  told(message) {
    if (this.signal.aborted) return;
    const { type, tab } = message;
    const had = this.open.get(tab) ?? [];
    if (type === 'here') this.open.set(tab, message.open);
    else if (type === 'gone') this.open.delete(tab);
    else if (type === 'who') this.announce({ ask: false });
    if (message.changed || (type === 'gone' && had.length > 0)) this.reopenSoon();
    if (this.stream) {
      if (type === 'check') this.stream.check();
      if (type === 'check' || message.ask) this.say('state', this.standing(this.state));
      return; // what a former leader still says, this one has read or will read
    }
    if (['event', 'passing', 'place', 'beat', 'state', 'end'].includes(type)) {
      this.heard = Date.now();
      this.take(message);
      // The clocks of hidden tabs are slow, and this one is looked at: it reconnects sooner.
      if (message.state === 'offline' && message.hidden && !document.hidden) this.compete({ steal: true });
    }
  }

  /** What the stream delivers, in any tab. */
  take({ type, event, id, state, reason }) {
    if (type === 'event') this.attempt(() => this.onEvent?.(event, id));
    else if (type === 'passing') this.attempt(() => this.onPassing?.(event));
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
      reportError(error); // a fault of ours, for which the next event need not wait
    }
  }
}
