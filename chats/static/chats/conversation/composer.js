// Where one writes: Enter sends, Shift+Enter breaks the line. A draft outlives the page.

import { element } from '../../chatapi/ui/dom.js';
import { keep, kept } from '../../chatapi/storage/storage.js';
import { isBlank, lengthOf, trimmed } from '../../chatapi/text/text.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';

export const MAX_TEXT = 10_000; // characters, as the server counts them
const NEAR_MAX = 500; // characters before it, from where they are counted down
const TELL_EVERY = 3_000; // milliseconds between two words that somebody types

/** By how many characters `text` is longer than a message may be; negative when it is shorter. */
export const excess = (text) => lengthOf(trimmed(text)) - MAX_TEXT;

export function tooLong(count) {
  const text = ngettext(
    'This text is %(n)s character too long. Shorten it, or send it in parts.',
    'This text is %(n)s characters too long. Shorten it, or send it in parts.',
    count,
  );
  return interpolate(text, { n: count });
}

export class Composer {
  /** `onSend(text)`, `onEdit(message, text)` (a promise: it failed when it rejects), `onTyping(goesOn)`,
   *  `onUp()` gives the message that ArrowUp in an empty field is to edit. */
  constructor({ root, draftKey, onSend, onEdit, onTyping, onUp }) {
    Object.assign(this, { draftKey, onSend, onEdit, onTyping, onUp });
    this.editing = null;
    this.told = null; // when, by the page's own clock
    this.saving = false;
    this.field = element('textarea', {
      rows: 1,
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
    this.count = element('p', { class: 'count', hidden: true });
    this.countSaid = element('p', { class: 'unseen', 'aria-live': 'polite' });
    this.form = element(
      'form',
      { class: 'composer', on: { submit: (event) => this.submitted(event) } },
      this.banner,
      this.fault,
      element('div', { class: 'line' }, this.field, this.button),
      this.count,
      this.countSaid,
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
    const now = performance.now();
    if (!isBlank(text) && (this.told === null || now - this.told > TELL_EVERY)) {
      this.told = now;
      this.onTyping(true);
    } else if (!text && this.told !== null) {
      this.told = null;
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
    const text = trimmed(this.field.value);
    if (isBlank(text)) return;
    if (excess(text) > 0) {
      this.fault.textContent = tooLong(excess(text));
      this.fault.hidden = false;
      return;
    }
    this.fault.hidden = true;
    if (!this.editing) {
      this.field.value = '';
      this.told = null;
      keep(this.draftKey, null);
      this.grow();
      this.onSend(text);
      return;
    }
    const message = this.editing;
    this.saving = true;
    this.grow();
    try {
      if (text !== message.text) await this.onEdit(message, text);
      this.cancel();
    } catch (error) {
      this.fault.textContent = error.message;
      this.fault.hidden = false;
    } finally {
      this.saving = false;
      this.grow();
    }
  }

  grow() {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, 200)}px`;
    const text = this.field.value;
    this.button.disabled = this.saving || isBlank(text);
    this.countDown(text.length < MAX_TEXT - NEAR_MAX ? -MAX_TEXT : excess(text));
  }

  /** Show how many characters are left, or too many; say it when the limit comes near and is passed. */
  countDown(over) {
    const before = this.count.textContent && (this.field.getAttribute('aria-invalid') === 'true' ? 'over' : 'near');
    const now = over > 0 ? 'over' : over > -NEAR_MAX ? 'near' : '';
    const text =
      now === 'over'
        ? ngettext('%(n)s character too long', '%(n)s characters too long', over)
        : ngettext('%(n)s character left', '%(n)s characters left', -over);
    this.count.textContent = now && interpolate(text, { n: Math.abs(over) });
    this.count.hidden = !now;
    this.count.classList.toggle('error', now === 'over');
    this.field.setAttribute('aria-invalid', String(now === 'over'));
    if (now !== before) this.countSaid.textContent = this.count.textContent;
    if (now !== 'over' && before === 'over') this.fault.hidden = true;
  }
}
