// How many messages of others the reader has not read: the server's count, updated by the events since.

export class Unread {
  /**
   * @param {object} state
   * @param {number} state.count how many messages were unread
   * @param {number} state.upTo the seq up to which the reader had read
   * @param {number} state.asOf the seq of the last event that `count` includes
   */
  constructor({ count, upTo, asOf }) {
    this.count = count;
    this.upTo = upTo;
    this.asOf = asOf;
  }

  /** Take over a new count from the server. */
  reset({ count, asOf }) {
    this.count = count;
    this.asOf = asOf;
  }

  /** Count a message of somebody else. */
  created(message) {
    if (message.seq > this.asOf && message.seq > this.upTo) this.count += 1;
  }

  /** Uncount a message of somebody else, deleted by the event `seq`. */
  deleted(message, seq) {
    if (seq > this.asOf && message.seq > this.upTo && this.count > 0) this.count -= 1;
  }

  /**
   * The reader has read up to `seq`, here or elsewhere.
   *
   * @param {number} seq
   * @param {number} newest the seq of the last message
   * @returns {boolean} false if only the server can tell how many are still unread
   */
  read(seq, newest) {
    if (seq <= this.upTo) return true;
    this.upTo = seq;
    if (seq < newest && this.count > 0) return false;
    this.count = 0;
    return true;
  }
}
