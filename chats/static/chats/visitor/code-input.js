// Six boxes for the six digits of an auth code, with support for pasting and arrow keys.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';

const DIGITS = 6;

export class CodeInput {
  /**
   * @param {object} options
   * @param {() => void} options.onFull called when every box holds a digit
   */
  constructor({ onFull }) {
    this.onFull = onFull;
    /** @type {HTMLInputElement[]} */
    this.boxes = Array.from({ length: DIGITS }, (_, index) =>
      element('input', {
        type: 'text',
        inputMode: 'numeric',
        autocomplete: index === 0 ? 'one-time-code' : 'off',
        maxLength: DIGITS,
        required: true,
        'aria-label': interpolate(gettext('Digit %(n)s of %(all)s'), { n: index + 1, all: DIGITS }),
        on: {
          input: () => this.fill(this.boxes[index].value, index),
          keydown: (event) => this.handleKey(event, index),
          paste: (event) => this.handlePaste(event, index),
          focus: () => this.boxes[index].select(),
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

  handlePaste(event, index) {
    event.preventDefault();
    const text = event.clipboardData.getData('text');
    // A complete code fills all boxes, wherever it was pasted.
    this.fill(text, text.replace(/\D/g, '').length === DIGITS ? 0 : index);
  }

  /** Fill the boxes from `index` on with the digits of `text`. */
  fill(text, index) {
    const digits = text.normalize('NFKC').replace(/\D/g, '');
    this.boxes[index].value = '';
    for (const [offset, digit] of [...digits].entries()) {
      if (this.boxes[index + offset]) this.boxes[index + offset].value = digit;
    }
    if (!digits) return;
    this.boxes[Math.min(index + digits.length, DIGITS - 1)].focus();
    if (this.value.length === DIGITS) this.onFull();
  }

  handleKey(event, index) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === 'Backspace' && !this.boxes[index].value && index > 0) {
      event.preventDefault();
      this.boxes[index - 1].value = '';
      this.boxes[index - 1].focus();
    } else if (event.key in steps) {
      event.preventDefault();
      this.boxes[index + steps[event.key]]?.focus();
    }
  }
}
