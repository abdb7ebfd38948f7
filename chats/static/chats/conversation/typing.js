// The note that says who is typing.

import { formatList, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { shorten } from '../../chatapi/text/text.js';
import { element } from '../../chatapi/ui/dom.js';

const MAX_DURATION = 10_000; // milliseconds
const MAX_NAME = 40; // graphemes

export class TypingNote {
  /** @param {(chatUserId: number) => string} nameOf */
  constructor(nameOf) {
    this.nameOf = nameOf;
    this.timers = new Map(); // chat user id → timer that ends it
    this.node = element('p', { class: 'typing', 'aria-live': 'polite' });
  }

  close() {
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  /** @param {number} id of the chat user @param {number} duration milliseconds */
  start(id, duration) {
    clearTimeout(this.timers.get(id));
    if (duration <= 0) this.timers.delete(id);
    else
      this.timers.set(
        id,
        setTimeout(() => this.stop(id), Math.min(duration, MAX_DURATION)),
      );
    this.show();
  }

  stop(id) {
    clearTimeout(this.timers.get(id));
    if (this.timers.delete(id)) this.show();
  }

  show() {
    const names = [...this.timers.keys()].map((id) => shorten(this.nameOf(id), MAX_NAME));
    this.node.textContent = names.length
      ? interpolate(ngettext('%(names)s is typing …', '%(names)s are typing …', names.length), {
          names: formatList(names),
        })
      : '';
  }
}
