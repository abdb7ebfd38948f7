// The stream of many chats repeats the last half minute each time it is opened (docs/live.md says why).

const REMEMBER = 120_000; // milliseconds

/** Tells which events of such a stream are new. */
export class Deduplicator {
  /** @param {string} position the id of the newest event when the stream was opened */
  constructor(position) {
    this.position = position;
    /** @type {Map<string, number>} id → when it was seen, oldest first */
    this.seen = new Map();
  }

  /**
   * Whether an event is newer than the position and has not been asked about before.
   *
   * @param {string} id
   */
  isNew(id) {
    const now = performance.now();
    for (const [old, at] of this.seen) {
      if (now - at < REMEMBER) break;
      this.seen.delete(old);
    }
    if (this.seen.has(id)) return false;
    this.seen.set(id, now);
    return id > this.position; // ids start with the time, in a fixed number of digits
  }
}
