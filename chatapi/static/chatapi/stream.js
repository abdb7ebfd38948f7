// An event stream read by fetch, which can send a token in a header as EventSource can't. It comes
// back by itself as docs/live.md says, and goes on after the last event that it handed over.

const SILENCE = 45_000; // something comes every 15 seconds
const LONGEST_WAIT = 60_000;
const FIRST_WAIT = 2_000;

/**
 * Follow `path` until `signal` aborts or the token ends.
 *
 * `onEvent(event, id)` gets each event of the log in order, and `onPassing(event)` what has no id;
 * `onState` 'connecting', 'live' or 'offline'; `onEnd({status, code, message})` the reason why the
 * stream can't go on. `after` is the id of the last event that is known.
 */
export function follow(path, { token, after = null, onEvent, onPassing, onState, onEnd, signal }) {
  let last = after === null ? null : String(after);
  let retry = FIRST_WAIT;
  let failures = 0;
  let wake = null;

  // Back from sleep, or on the network again: no use in waiting longer.
  const nudge = () => wake?.();
  addEventListener('online', nudge, { signal });
  document.addEventListener('visibilitychange', () => document.hidden || nudge(), { signal });

  async function run() {
    while (!signal.aborted) {
      if (failures === 0) onState?.('connecting');
      const pause = await once();
      if (signal.aborted || pause === null) return;
      onState?.('offline');
      await sleep(pause ?? wait());
    }
  }

  /** One connection, to its end. How long to wait then: undefined as usual, null for ever. */
  async function once() {
    const headers = { Accept: 'text/event-stream', Authorization: `Bearer ${token}` };
    if (last !== null) headers['Last-Event-ID'] = last;
    const silence = new AbortController();
    let clock = setTimeout(() => silence.abort(), SILENCE);
    try {
      const answer = await fetch(path, {
        headers,
        signal: AbortSignal.any([signal, silence.signal]),
        credentials: 'omit',
        cache: 'no-store',
      });
      if (!answer.ok) return refused(answer, await answer.json().catch(() => ({})));
      onState?.('live');
      for await (const block of blocks(answer.body)) {
        clearTimeout(clock);
        clock = setTimeout(() => silence.abort(), SILENCE);
        failures = 0;
        if (signal.aborted || !take(block)) return null;
      }
    } catch {
      // Nobody there, or the connection broke.
    } finally {
      clearTimeout(clock);
    }
    return undefined;
  }

  function refused(answer, body) {
    if (answer.status === 429) {
      return (Number(answer.headers.get('Retry-After')) || LONGEST_WAIT / 1000) * 1000 + Math.random() * 1000;
    }
    if (answer.status >= 500) return undefined;
    onEnd?.({ status: answer.status, code: body.code, message: body.message });
    return null;
  }

  /** Whether the stream goes on after a block. */
  function take({ id, type, data, retry: asked }) {
    if (asked !== undefined) retry = asked;
    if (data !== undefined) {
      const event = JSON.parse(data);
      if (type === 'bye') {
        onEnd?.({ status: 401, code: event.code, message: event.message });
        return false;
      }
      try {
        if (id === undefined) onPassing?.(event);
        else onEvent?.(event, id);
      } catch (error) {
        reportError(error); // a fault of ours, for which the next event need not wait
      }
    }
    if (id !== undefined) last = id;
    return true;
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
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  return run();
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
