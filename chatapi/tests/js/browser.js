// As much of a browser as the modules need that run without a page. Each test file runs in a process of its own.

/** An element without layout or HTML: attributes, children and events. */
class FakeElement extends EventTarget {
  constructor(name) {
    super();
    this.tagName = name.toUpperCase();
    this.attributes = {};
    this.dataset = {};
    this.children = [];
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  get textContent() {
    return this.children.map((child) => child.textContent ?? child).join('');
  }

  set textContent(text) {
    this.children = [text];
  }

  querySelector() {
    return null;
  }
}

class FakeDocument extends EventTarget {
  hidden = false;
  cookie = '';
  activeElement = null;
  documentElement = { lang: 'en' };

  createElement(name) {
    return new FakeElement(name);
  }

  querySelector() {
    return null;
  }
}

/** localStorage with a limit, as browsers have one. */
class FakeStorage {
  items = new Map();
  limit = 10_000; // characters of a value

  getItem(key) {
    return this.items.get(key) ?? null;
  }

  setItem(key, value) {
    if (value.length > this.limit) throw new Error('QuotaExceededError');
    this.items.set(key, value);
  }

  removeItem(key) {
    this.items.delete(key);
  }
}

/** The Web Locks API: exclusive locks queue, shared ones do not, and `steal` takes a lock away from its holder. */
export class FakeLocks {
  held = [];
  queue = [];

  request(name, options, callback) {
    return new Promise((resolve, reject) => {
      const request = { name, callback, resolve, reject, shared: options.mode === 'shared' };
      options.signal?.addEventListener('abort', () => {
        if (!this.queue.includes(request)) return;
        this.queue = this.queue.filter((each) => each !== request);
        reject(new DOMException('aborted', 'AbortError'));
      });
      if (options.steal) {
        for (const lock of this.held.filter((each) => each.name === name)) {
          this.held = this.held.filter((each) => each !== lock);
          lock.reject(new DOMException('stolen', 'AbortError'));
        }
        this.grant(request);
      } else {
        this.queue.push(request);
        this.next();
      }
    });
  }

  next() {
    for (const request of [...this.queue]) {
      const blocked = this.held.some((lock) => lock.name === request.name && !(lock.shared && request.shared));
      if (blocked) continue;
      this.queue = this.queue.filter((each) => each !== request);
      this.grant(request);
    }
  }

  async grant(request) {
    this.held.push(request);
    const result = await request.callback();
    this.held = this.held.filter((each) => each !== request);
    request.resolve(result);
    this.next();
  }

  async query() {
    return { held: this.held.map(({ name }) => ({ name })) };
  }
}

/** BroadcastChannel that delivers at once, and never to its sender. */
export class FakeChannel extends EventTarget {
  static open = new Set();

  constructor(name) {
    super();
    this.name = name;
    FakeChannel.open.add(this);
  }

  postMessage(data) {
    for (const channel of [...FakeChannel.open]) {
      if (channel === this || channel.name !== this.name) continue;
      channel.dispatchEvent(new MessageEvent('message', { data: structuredClone(data) }));
    }
  }

  close() {
    FakeChannel.open.delete(this);
  }
}

/** Errors that the scripts reported. */
export const reported = [];

export function install() {
  const window = new EventTarget();
  const globals = {
    document: new FakeDocument(),
    Element: FakeElement,
    localStorage: new FakeStorage(),
    navigator: { languages: ['fr', 'en-GB'], onLine: true, locks: new FakeLocks() },
    location: { reloads: 0, reload: () => (globals.location.reloads += 1) },
    BroadcastChannel: FakeChannel,
    addEventListener: window.addEventListener.bind(window),
    dispatchEvent: window.dispatchEvent.bind(window),
    reportError: (error) => reported.push(error),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

/** Let everything run that does not wait for a timer. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Hide or show the page. */
export function setHidden(hidden) {
  document.hidden = hidden;
  document.dispatchEvent(new Event('visibilitychange'));
}

/**
 * Replace fetch by one that the test answers. `requests` has each request; its `respond` takes a status, a body and
 * headers, its `stream` opens a stream and returns a function that sends text over it, with `end` and `fail`.
 */
export function fakeFetch() {
  const requests = [];
  globalThis.fetch = (url, options = {}) =>
    new Promise((resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal.reason));
      requests.push({
        url,
        ...options,
        fail: () => reject(new TypeError('Failed to fetch')),
        respond: (status, body = {}, headers = {}) =>
          resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status, headers })),
        stream: () => {
          let controller;
          const body = new ReadableStream({ start: (started) => (controller = started) });
          options.signal?.addEventListener('abort', () => controller.error(options.signal.reason));
          resolve(new Response(body));
          const send = (text) => controller.enqueue(new TextEncoder().encode(text));
          send.end = () => controller.close();
          send.fail = () => controller.error(new TypeError('network error'));
          return send;
        },
      });
    });
  return requests;
}
