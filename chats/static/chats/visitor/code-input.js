// Six boxes for the six digits of an auth code: one can type, paste, go back and forth.

import { element } from '../../chatapi/ui/dom.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';

const DIGITS = 6;

export class CodeInput {
  /** `onFull()` is told when each box holds a digit. */
  constructor({ onFull }) {
    this.onFull = onFull;
    this.boxes = Array.from({ length: DIGITS }, (_, place) =>
      element('input', {
        type: 'text',
        inputMode: 'numeric',
        autocomplete: place === 0 ? 'one-time-code' : 'off',
        maxLength: DIGITS,
        required: true,
        'aria-label': interpolate(gettext('Digit %(n)s of %(all)s'), { n: place + 1, all: DIGITS }),
        on: {
          input: (event) => this.typed(event.target, place),
          keydown: (event) => this.pressed(event, place),
          paste: (event) => this.pasted(event, place),
          focus: (event) => event.target.select(),
        },
      }),
    );
    this.node = element('div', { class: 'code', dir: 'ltr' }, ...this.boxes);
  }

  get value() {
    return this.boxes.map((box) => box.value).join('');
  }

  clear() {
    for (const box of this.boxes) box.value = '';
    this.boxes[0].focus();
  }

  focus() {
    (this.boxes.find((box) => !box.value) ?? this.boxes.at(-1)).focus();
  }

  typed(box, place) {
    this.spread(box.value, place);
  }

  pasted(event, place) {
    event.preventDefault();
    const text = event.clipboardData.getData('text');
    // A whole code goes into all boxes, wherever it was pasted.
    this.spread(text, text.replace(/\D/g, '').length === DIGITS ? 0 : place);
  }

  spread(text, place) {
    const digits = text.normalize('NFKC').replace(/\D/g, '');
    this.boxes[place].value = '';
    for (const [step, digit] of [...digits].entries()) {
      if (this.boxes[place + step]) this.boxes[place + step].value = digit;
    }
    if (!digits) return;
    this.boxes[Math.min(place + digits.length, DIGITS - 1)].focus();
    if (this.value.length === DIGITS) this.onFull();
  }

  pressed(event, place) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === 'Backspace' && !this.boxes[place].value && place > 0) {
      event.preventDefault();
      this.boxes[place - 1].value = '';
      this.boxes[place - 1].focus();
    } else if (event.key in steps) {
      event.preventDefault();
      this.boxes[place + steps[event.key]]?.focus();
    }
  }
}
