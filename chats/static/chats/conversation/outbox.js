// Messages that are not sent yet. They are stored, so they survive a reload. Each has an idempotency key, so the server
// accepts it once however often it is sent.

import { ApiError } from '../../chatapi/api/client.js';
import { getStored, setStored } from '../../chatapi/storage/storage.js';

// Between attempts, in milliseconds.
const FIRST_DELAY = 1_000;
const MAX_DELAY = 15_000;

/** @typedef {{id: number, name: string}} SentFile an uploaded file of a message */

/**
 * @typedef {object} Item
 * @property {string} key
 * @property {string} text
 * @property {string} at when it was written, in ISO 8601
 * @property {import('./quotes.js').Quote} [quote] of the message to which it replies
 * @property {SentFile[]} [files]
 * @property {number[] | null} [mentions] ids of members; null until they are known
 * @property {'waiting' | 'sending' | 'refused'} state
 * @property {Error} [reason] why it was refused
 */

/** Sends messages one at a time, in the order in which they were written. */
export class Outbox {
  /**
   * @param {object} options
   * @param {string} options.storageKey
   * @param {(item: Item) => Promise<any>} options.send returns the message that the server created
   * @param {() => void} options.onChange called whenever an item changes
   * @param {(message: any, item: Item) => void} options.onSent
   */
  constructor({ storageKey, send, onChange, onSent }) {
    this.storageKey = storageKey;
    this.send = send;
    this.onChange = onChange;
    this.onSent = onSent;
    /** @type {Item[]} */
    this.items = (getStored(storageKey) ?? []).map((item) => ({ ...item, state: 'waiting' }));
    // Another tab may add items to the same storage; those are its own to send.
    this.ownKeys = new Set(this.items.map((item) => item.key));
    this.delay = FIRST_DELAY;
    this.closed = false;
    this.running = false;
    /** @type {(() => void) | null} */
    this.wake = null;
  }

  /**
   * @param {string} text
   * @param {import('./quotes.js').Quote | null} [quote]
   * @param {SentFile[]} [files]
   * @param {number[] | null} [mentions] null if `send` has to find them
   */
  add(text, quote = null, files = [], mentions = []) {
    const key = newKey();
    this.ownKeys.add(key);
    const extra = {
      ...(quote && { quote }),
      ...(files.length && { files }),
      ...(mentions?.length !== 0 && { mentions }),
    };
    this.items.push({ key, text, at: new Date().toISOString(), ...extra, state: 'waiting' });
    this.save();
    this.run();
  }

  retry(item) {
    item.state = 'waiting';
    delete item.reason;
    this.save();
    this.retryNow();
  }

  /** Send a refused item as a message that replies to none. It may keep its key, because it was not accepted. */
  retryWithoutQuote(item) {
    delete item.quote;
    this.retry(item);
  }

  /** Show what a message says now in the items that reply to it. */
  requote(quote) {
    const replies = this.items.filter((item) => item.quote?.id === quote.id);
    for (const item of replies) item.quote = quote;
    if (replies.length) this.save();
  }

  /** Keep the mentions that were found for an item, which stay the same with its key. */
  setMentions(item, mentions) {
    item.mentions = mentions;
    this.save();
  }

  discard(item) {
    this.items = this.items.filter((other) => other !== item);
    this.save();
  }

  /** Send waiting items now, because sending may work again. */
  retryNow() {
    this.delay = FIRST_DELAY;
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
        await this.trySend(item);
      }
    } finally {
      this.running = false;
    }
  }

  async trySend(item) {
    item.state = 'sending';
    this.onChange();
    try {
      const message = await this.send(item);
      this.delay = FIRST_DELAY;
      this.discard(item);
      this.onSent(message, item);
    } catch (error) {
      if (error.isTransient) {
        item.state = 'waiting';
        this.save();
        await this.sleep(error.retryAfter ? error.retryAfter * 1000 : this.delay);
        this.delay = Math.min(this.delay * 2, MAX_DELAY);
      } else if (error instanceof ApiError && error.status === 401) {
        item.state = 'waiting'; // the page gets another token and creates another outbox
        this.close();
      } else {
        item.state = 'refused';
        item.reason = error;
        this.save();
      }
    }
  }

  sleep(milliseconds) {
    /** @type {Promise<void>} */
    const slept = new Promise((resolve) => {
      const timer = setTimeout(() => this.wake(), milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
    });
    return slept;
  }

  save() {
    const others = (getStored(this.storageKey) ?? []).filter((item) => !this.ownKeys.has(item.key));
    const stored = [
      ...others,
      ...this.items.map(({ key, text, at, quote, files, mentions }) => ({ key, text, at, quote, files, mentions })),
    ];
    setStored(this.storageKey, stored.length ? stored : null);
    this.onChange();
  }
}

/** An idempotency key. Without TLS, there is no randomUUID. */
export const newKey = () => crypto.randomUUID?.() ?? randomKey();

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
