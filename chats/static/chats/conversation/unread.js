// How many messages of others the reader has not read: as the server counted them, and what the log has said since.

export class Unread {
  /** At the event `asOf`, `count` messages were unread, all of them above `upTo`. */
  constructor({ count, upTo, asOf }) {
    this.set({ count, upTo, asOf });
  }

  set({ count, upTo, asOf }) {
    Object.assign(this, { count, upTo, asOf });
  }

  /** Somebody else wrote a message. */
  created(message) {
    if (message.seq > this.asOf && message.seq > this.upTo) this.count += 1;
  }

  /** The event `seq` deleted a message of somebody else. */
  deleted(message, seq) {
    if (seq > this.asOf && message.seq > this.upTo && this.count > 0) this.count -= 1;
  }

  /** The reader has read up to `seq`, here or elsewhere; `newest` is the last message. Whether the count is known. */
  read(seq, newest) {
    if (seq <= this.upTo) return true;
    this.upTo = seq;
    if (seq < newest && this.count > 0) return false;
    this.count = 0;
    return true;
  }
}
