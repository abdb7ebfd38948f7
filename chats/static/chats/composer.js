// Where one writes: Enter sends, Shift+Enter breaks the line. A draft outlives the page.

import { element } from '../chatapi/dom.js';
import { keep, kept } from '../chatapi/storage.js';
import { gettext } from '../chatapi/words.js';

export const MOST_CHARACTERS = 10_000;
const TELL_EVERY = 3_000; // milliseconds between two words that somebody types

export class Composer {
  /** `onSend(text)`, `onEdit(message, text)` (a promise: it failed when it rejects), `onTyping(goesOn)`,
   *  `onUp()` gives the message that ArrowUp in an empty field is to edit. */
  constructor({ root, draftKey, onSend, onEdit, onTyping, onUp }) {
    Object.assign(this, { draftKey, onSend, onEdit, onTyping, onUp });
    this.editing = null;
    this.told = 0;
    this.field = element('textarea', {
      rows: 1,
      maxLength: MOST_CHARACTERS,
      placeholder: gettext('Write a message'),
      'aria-label': gettext('Message'),
      'aria-describedby': 'how-to-send',
      dir: 'auto',
      enterKeyHint: 'send',
      value: kept(draftKey) ?? '',
    });
    this.button = element('button', { class: 'button', type: 'submit' }, gettext('Send'));
    this.stop = element(
      'button',
      { class: 'link', type: 'button', on: { click: () => this.cancel() } },
      gettext('Cancel'),
    );
    this.banner = element('p', { class: 'editing', hidden: true }, `${gettext('Editing a message')} `, this.stop);
    this.fault = element('p', { class: 'error', role: 'alert', hidden: true });
    this.form = element(
      'form',
      { class: 'composer', on: { submit: (event) => this.submitted(event) } },
      this.banner,
      this.fault,
      element('div', { class: 'line' }, this.field, this.button),
      element('p', { class: 'unseen', id: 'how-to-send' }, gettext('Enter sends, Shift and Enter break the line.')),
    );
    this.field.addEventListener('input', () => this.typed());
    this.field.addEventListener('keydown', (event) => this.pressed(event));
    root.append(this.form);
    this.grow();
  }

  focus() {
    this.field.focus();
  }

  /** Put `text` where the cursor is. */
  insert(text) {
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, 'end');
    this.typed();
    this.focus();
  }

  set closed(closed) {
    this.form.hidden = closed;
  }

  edit(message) {
    if (!this.editing) this.draft = this.field.value;
    this.editing = message;
    this.banner.hidden = false;
    this.button.textContent = gettext('Save');
    this.field.value = message.text;
    this.grow();
    this.focus();
  }

  cancel() {
    if (!this.editing) return;
    this.editing = null;
    this.banner.hidden = true;
    this.fault.hidden = true;
    this.button.textContent = gettext('Send');
    this.field.value = this.draft ?? '';
    this.grow();
    this.focus();
  }

  typed() {
    this.grow();
    if (this.editing) return;
    const text = this.field.value;
    keep(this.draftKey, text || null);
    const now = Date.now();
    if (text && now - this.told > TELL_EVERY) {
      this.told = now;
      this.onTyping(true);
    } else if (!text && this.told) {
      this.told = 0;
      this.onTyping(false);
    }
  }

  pressed(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method is at it; Safari by 229
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === 'Escape' && this.editing) {
      event.preventDefault();
      this.cancel();
    } else if (event.key === 'ArrowUp' && !this.field.value && !this.editing) {
      const message = this.onUp();
      if (!message) return;
      event.preventDefault();
      this.edit(message);
    }
  }

  async submitted(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    if (!this.editing) {
      this.field.value = '';
      this.told = 0;
      keep(this.draftKey, null);
      this.grow();
      this.onSend(text);
      return;
    }
    const message = this.editing;
    this.fault.hidden = true;
    this.button.disabled = true;
    try {
      if (text !== message.text) await this.onEdit(message, text);
      this.cancel();
    } catch (error) {
      this.fault.textContent = error.message;
      this.fault.hidden = false;
    } finally {
      this.button.disabled = false;
    }
  }

  grow() {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, 200)}px`;
  }
}
