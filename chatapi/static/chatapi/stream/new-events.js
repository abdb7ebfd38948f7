// The stream of many chats repeats the last half minute whenever it is opened: docs/live.md says why.

const KEPT = 120_000; // milliseconds

/** Which events of such a stream are new. */
export class Once {
  /** `place` is the id of the last event before this reader came. */
  constructor(place) {
    this.place = place;
    this.known = new Map(); // id → when it was delivered, oldest first
  }

  /** Whether the event with this `id` came only after the place; true only the first time it is asked. */
  isNew(id) {
    const now = performance.now();
    for (const [old, at] of this.known) {
      if (now - at < KEPT) break;
      this.known.delete(old);
    }
    if (this.known.has(id)) return false;
    this.known.set(id, now);
    return id > this.place; // ids begin with the time, always written in the same length
  }
}
