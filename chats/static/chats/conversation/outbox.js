// What was written and is not sent yet. It outlives the page; each message has a key by which the
// server takes it once, however often it is sent.

import { ApiError } from '../../chatapi/api/client.js';
import { keep, kept } from '../../chatapi/storage/storage.js';

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 15_000;

/** Sends in the order of writing, one at a time. An item: {key, text, at, state, reason}; its state
 *  is 'waiting', 'sending', or 'refused' with the ApiError as `reason`. */
export class Outbox {
  /** `send(text, key)` gives the message; `onChange()` after each change, `onSent(message, item)`. */
  constructor({ storageKey, send, onChange, onSent }) {
    this.storageKey = storageKey;
    this.send = send;
    this.onChange = onChange;
    this.onSent = onSent;
    this.items = (kept(storageKey) ?? []).map((item) => ({ ...item, state: 'waiting' }));
    this.own = new Set(this.items.map((item) => item.key)); // another tab may keep more there
    this.pause = FIRST_PAUSE;
    this.closed = false;
    this.running = false;
    this.wake = null;
  }

  add(text) {
    const key = crypto.randomUUID?.() ?? random();
    this.own.add(key);
    this.items.push({ key, text, at: new Date().toISOString(), state: 'waiting' });
    this.changed();
    this.run();
  }

  retry(item) {
    item.state = 'waiting';
    delete item.reason;
    this.changed();
    this.nudge();
  }

  drop(item) {
    this.items = this.items.filter((other) => other !== item);
    this.changed();
  }

  /** Try at once what waits: there is hope again. */
  nudge() {
    this.pause = FIRST_PAUSE;
    this.wake?.();
    this.run();
  }

  close() {
    this.closed = true;
    this.wake?.();
  }

  async run() {
    if (this.running) return;
    this.running = true;
    try {
      for (;;) {
        const item = this.items.find((each) => each.state === 'waiting');
        if (!item || this.closed) return;
        await this.attempt(item);
      }
    } finally {
      this.running = false;
    }
  }

  async attempt(item) {
    item.state = 'sending';
    this.onChange();
    try {
      const message = await this.send(item.text, item.key);
      this.pause = FIRST_PAUSE;
      this.drop(item);
      this.onSent(message, item);
    } catch (error) {
      if (error.passes) {
        item.state = 'waiting';
        this.changed();
        await this.sleep(error.retryAfter ? error.retryAfter * 1000 : this.pause);
        this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
      } else if (error instanceof ApiError && error.status === 401) {
        item.state = 'waiting'; // the page gets another token, and another outbox
        this.close();
      } else {
        item.state = 'refused';
        item.reason = error;
        this.changed();
      }
    }
  }

  sleep(milliseconds) {
    return new Promise((resolve) => {
      const clock = setTimeout(done, milliseconds);
      const box = this;
      function done() {
        clearTimeout(clock);
        box.wake = null;
        resolve();
      }
      this.wake = done;
    });
  }

  changed() {
    const others = (kept(this.storageKey) ?? []).filter((item) => !this.own.has(item.key));
    const plain = [...others, ...this.items.map(({ key, text, at }) => ({ key, text, at }))];
    keep(this.storageKey, plain.length ? plain : null);
    this.onChange();
  }
}

/** As good a key where the page has no TLS, and so no randomUUID. */
function random() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
