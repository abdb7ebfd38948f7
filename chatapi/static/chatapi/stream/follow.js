// An event stream, read by fetch because EventSource cannot send a token in a header. It reconnects by the rules of
// docs/live.md and resumes after the last event that it delivered.

import { parseBlocks } from './parser.js';

// All in milliseconds.
const MAX_SILENCE = 45_000; // the server sends a line every 15 seconds
const MAX_SILENCE_IN_DOUBT = 16_000; // after a sleep, a change of network or a return to the tab
const RESPONSE_TIMEOUT = 10_000; // until the response's headers
const TICK = 5_000;
const FIRST_DELAY = 2_000;
const MAX_DELAY = 60_000;

/**
 * @typedef {'connecting' | 'connected' | 'disconnected'} State
 * @typedef {{status: number, code?: string, message?: string}} EndReason
 *
 * @typedef {object} Callbacks
 * @property {(event: any, id: string) => void} [onEvent] gets each event of the log, in order
 * @property {(event: any) => void} [onEphemeral] gets each event without an id
 * @property {(id: string) => void} [onPosition] gets an id that comes without an event
 * @property {() => void} [onHeartbeat] called whenever anything arrives
 * @property {(state: State) => void} [onState]
 * @property {(reason: EndReason) => any} [onEnd] called when the stream cannot continue with this token. If it
 *   resolves to true, `token()` returns another one by now and the stream continues.
 */

/**
 * Follow the stream at `path()` with `token()`, until `signal` aborts or the token expires.
 *
 * @param {() => string} path
 * @param {Callbacks & {token: () => string, after?: string | number | null, signal: AbortSignal}} options `after` is
 *   the id of the last event that the caller knows
 * @returns {{check: () => void, restart: () => void}} `check` reconnects if the connection may be dead, `restart`
 *   always does
 */
export function follow(
  path,
  { token, after = null, onEvent, onEphemeral, onPosition, onHeartbeat, onState, onEnd, signal },
) {
  let last = after === null ? null : String(after);
  let retry = FIRST_DELAY;
  let failures = 0;
  let heardAt = Date.now();
  let tickedAt = Date.now();
  let restarting = false;
  /** @type {(() => void) | null} */
  let disconnect = null;
  /** @type {(() => void) | null} */
  let wake = null;

  // A connection can die without notice: the machine sleeps, the network changes, a router drops its state. Once
  // the machine wakes up, comes online or shows the page again, waiting any longer gains nothing.
  const check = () => {
    reconnectAfter(MAX_SILENCE_IN_DOUBT);
    wake?.();
  };
  addEventListener('online', check, { signal });
  document.addEventListener('visibilitychange', () => document.hidden || check(), { signal });
  const ticks = setInterval(() => {
    const slept = Date.now() - tickedAt > 2 * TICK;
    tickedAt = Date.now();
    reconnectAfter(slept ? MAX_SILENCE_IN_DOUBT : MAX_SILENCE);
  }, TICK);
  signal.addEventListener('abort', () => clearInterval(ticks), { once: true });

  function reconnectAfter(silence) {
    const now = Date.now();
    if (now < heardAt) heardAt = now; // the clock was set back
    if (now - heardAt > silence) restart();
  }

  function restart() {
    if (!disconnect) return; // it is about to connect anyway
    restarting = true;
    disconnect();
  }

  async function run() {
    while (!signal.aborted) {
      if (failures === 0) onState?.('connecting');
      const delay = await connect();
      if (signal.aborted || delay === null) return;
      if (restarting) {
        restarting = false;
        continue;
      }
      onState?.('disconnected');
      await sleep(delay ?? nextDelay());
    }
  }

  /** Read one connection to its end. Returns the delay before the next: undefined for the usual one, null for never. */
  async function connect() {
    /** @type {Record<string, string>} */
    const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${token()}` };
    if (last !== null) headers['Last-Event-ID'] = last;
    const connection = new AbortController();
    disconnect = () => connection.abort();
    const timeout = setTimeout(disconnect, RESPONSE_TIMEOUT);
    heardAt = Date.now();
    try {
      const response = await fetch(path(), {
        headers,
        signal: AbortSignal.any([signal, connection.signal]),
        credentials: 'omit',
        cache: 'no-store',
      });
      if (!response.ok) return await rejected(response, await response.json().catch(() => ({})));
      clearTimeout(timeout);
      onState?.('connected');
      for await (const block of parseBlocks(response.body)) {
        heardAt = Date.now();
        failures = 0;
        if (signal.aborted) return null;
        onHeartbeat?.();
        const bye = deliver(block);
        if (bye) return await end(401, bye);
      }
    } catch {
      // No response, or the connection broke.
    } finally {
      clearTimeout(timeout);
      disconnect = null;
    }
    return undefined;
  }

  function rejected(response, body) {
    if (response.status === 429) {
      return (Number(response.headers.get('Retry-After')) || MAX_DELAY / 1000) * 1000 + Math.random() * 1000;
    }
    if (response.status >= 500) return undefined;
    return end(response.status, body);
  }

  async function end(status, { code, message }) {
    disconnect = null;
    return (await onEnd?.({ status, code, message })) ? nextDelay() : null;
  }

  /**
   * Deliver a block. Returns the data of `bye`, the server's last block, and null for all others.
   *
   * @param {import('./parser.js').Block} block
   */
  function deliver({ id, type, data, retry: requested }) {
    if (requested !== undefined) retry = requested;
    if (data !== undefined) {
      const event = JSON.parse(data);
      if (type === 'bye') return event;
      try {
        if (id === undefined) onEphemeral?.(event);
        else onEvent?.(event, id);
      } catch (error) {
        reportError(error); // a bug in the page must not stop the stream
      }
    } else if (id !== undefined) onPosition?.(id);
    if (id !== undefined) last = id;
    return null;
  }

  /** Exponential backoff with jitter. */
  function nextDelay() {
    const longest = Math.min(retry * 2 ** failures, MAX_DELAY);
    failures = Math.min(failures + 1, 6);
    return longest * (0.5 + Math.random() / 2);
  }

  /** @returns {Promise<void>} */
  function sleep(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        wake = null;
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  run();
  return { check, restart };
}
