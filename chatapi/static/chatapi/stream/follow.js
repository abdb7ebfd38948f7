// An event stream read by fetch, which can send a token in a header as EventSource can't. It reconnects
// by itself as docs/live.md says, and continues after the last event that it delivered.

const SILENCE = 45_000; // milliseconds; a line comes every 15 seconds
const STALE = 16_000; // the same, when there is reason to doubt the connection
const ANSWER = 10_000; // milliseconds until the head of an answer must be there
const TICK = 5_000;
const LONGEST_WAIT = 60_000;
const FIRST_WAIT = 2_000;

/**
 * Follow the stream at `path()` with `token()`, until `signal` aborts or the token ends.
 *
 * `onEvent(event, id)` gets each event of the log in order, `onPassing(event)` each that has no id, and
 * `onPlace(id)` is called for a place without an event; `onBeat()` whenever anything arrives; `onState` gets
 * 'connecting', 'live' or 'offline'. `onEnd({status, code, message})` is told why the stream can't go on; if it
 * resolves to true, there is another token. `after` is the id of the last event that is known.
 *
 * Returns `check()`, which reconnects if the connection is in doubt, and `restart()`, which always does.
 */
export function follow(path, { token, after = null, onEvent, onPassing, onPlace, onBeat, onState, onEnd, signal }) {
  let last = after === null ? null : String(after);
  let retry = FIRST_WAIT;
  let failures = 0;
  let heard = Date.now();
  let ticked = Date.now();
  let atOnce = false;
  let disconnect = null;
  let wake = null;

  // A connection can die without a word: with a sleeping machine, another network, a forgetful router.
  // When the machine wakes up, comes online or shows the page again, there is no use in waiting longer.
  const check = () => {
    reconnectAfter(STALE);
    wake?.();
  };
  addEventListener('online', check, { signal });
  document.addEventListener('visibilitychange', () => document.hidden || check(), { signal });
  const ticks = setInterval(() => {
    const slept = Date.now() - ticked > 2 * TICK;
    ticked = Date.now();
    reconnectAfter(slept ? STALE : SILENCE);
  }, TICK);
  signal.addEventListener('abort', () => clearInterval(ticks), { once: true });

  function reconnectAfter(silence) {
    const now = Date.now();
    if (now < heard) heard = now; // the clock was put back
    if (now - heard > silence) restart();
  }

  function restart() {
    if (!disconnect) return; // it is about to connect anyway
    atOnce = true;
    disconnect();
  }

  async function run() {
    while (!signal.aborted) {
      if (failures === 0) onState?.('connecting');
      const pause = await once();
      if (signal.aborted || pause === null) return;
      if (atOnce) {
        atOnce = false;
        continue;
      }
      onState?.('offline');
      await sleep(pause ?? wait());
    }
  }

  /** One connection, to its end. Milliseconds to wait then: undefined as usual, null for ever. */
  async function once() {
    const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${token()}` };
    if (last !== null) headers['Last-Event-ID'] = last;
    const connection = new AbortController();
    disconnect = () => connection.abort();
    const unanswered = setTimeout(disconnect, ANSWER);
    heard = Date.now();
    try {
      const answer = await fetch(path(), {
        headers,
        signal: AbortSignal.any([signal, connection.signal]),
        credentials: 'omit',
        cache: 'no-store',
      });
      if (!answer.ok) return await refused(answer, await answer.json().catch(() => ({})));
      clearTimeout(unanswered);
      onState?.('live');
      for await (const block of blocks(answer.body)) {
        heard = Date.now();
        failures = 0;
        if (signal.aborted) return null;
        onBeat?.();
        const bye = take(block);
        if (bye) return await end(401, bye);
      }
    } catch {
      // No answer, or the connection broke.
    } finally {
      clearTimeout(unanswered);
      disconnect = null;
    }
    return undefined;
  }

  function refused(answer, body) {
    if (answer.status === 429) {
      return (Number(answer.headers.get('Retry-After')) || LONGEST_WAIT / 1000) * 1000 + Math.random() * 1000;
    }
    if (answer.status >= 500) return undefined;
    return end(answer.status, body);
  }

  async function end(status, { code, message }) {
    disconnect = null;
    return (await onEnd?.({ status, code, message })) ? wait() : null;
  }

  /** Deliver a block; returns the data of `bye`, after which nothing comes. */
  function take({ id, type, data, retry: asked }) {
    if (asked !== undefined) retry = asked;
    if (data !== undefined) {
      const event = JSON.parse(data);
      if (type === 'bye') return event;
      try {
        if (id === undefined) onPassing?.(event);
        else onEvent?.(event, id);
      } catch (error) {
        reportError(error); // a fault of ours, for which the next event need not wait
      }
    } else if (id !== undefined) onPlace?.(id);
    if (id !== undefined) last = id;
    return null;
  }

  function wait() {
    const longest = Math.min(retry * 2 ** failures, LONGEST_WAIT);
    failures = Math.min(failures + 1, 6);
    return longest * (0.5 + Math.random() / 2);
  }

  function sleep(milliseconds) {
    return new Promise((resolve) => {
      const clock = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(clock);
        wake = null;
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  run();
  return { check, restart };
}

/** The blocks of an event stream: {id, type, data, retry}, each absent unless it was sent. */
async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let block = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        yield block;
        block = {};
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'id') block.id = text;
      else if (name === 'event') block.type = text;
      else if (name === 'data') block.data = block.data === undefined ? text : `${block.data}\n${text}`;
      else if (name === 'retry') block.retry = Number(text);
    }
  }
}
