// The message form. Enter sends, Shift+Enter breaks the line. The draft, and the message to which it replies, are
// stored, so they survive a reload.

import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { countCharacters, isBlank, trim } from '../../chatapi/text/text.js';
import { element } from '../../chatapi/ui/dom.js';
import { filesOf } from './files.js';

export const MAX_TEXT = 10_000; // characters, as the server counts them
const COUNT_FROM = 500; // characters left when the countdown appears
const TYPING_INTERVAL = 3_000; // milliseconds between typing notifications

/**
 * The number of characters by which `text` exceeds the maximum; negative if it does not.
 *
 * @param {string} text
 */
export const excess = (text) => countCharacters(trim(text)) - MAX_TEXT;

/** @param {number} count */
export function tooLong(count) {
  const text = ngettext(
    'This message is %(n)s character too long. Shorten it or split it up.',
    'This message is %(n)s characters too long. Shorten it or split it up.',
    count,
  );
  return interpolate(text, { n: count });
}

export class Composer {
  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {string} options.draftKey where the draft is stored
   * @param {(quote: import('./quotes.js').Quote) => HTMLElement} options.renderQuote
   * @param {() => Promise<import('./uploads.js').Uploads>} options.loadUploads gives the files of the draft
   * @param {(text: string, quote: import('./quotes.js').Quote | null, files: import('./outbox.js').SentFile[]) => void}
   *   options.onSend
   * @param {(message: any, text: string) => Promise<void>} options.onEdit rejects with the message to show
   * @param {(typing: boolean) => void} options.onTyping
   * @param {() => any} options.onUp returns the message to edit when ArrowUp is pressed in an empty field
   */
  constructor({ root, draftKey, renderQuote, loadUploads, onSend, onEdit, onTyping, onUp }) {
    this.draftKey = draftKey;
    this.replyKey = `${draftKey}:reply`;
    this.renderQuote = renderQuote;
    this.loadUploads = loadUploads;
    /** @type {import('./uploads.js').Uploads | null} */
    this.uploads = null; // until there is a file
    this.onSend = onSend;
    this.onEdit = onEdit;
    this.onTyping = onTyping;
    this.onUp = onUp;
    this.editing = null;
    /** @type {import('./quotes.js').Quote | null} */
    this.quote = getStored(this.replyKey); // of the message to which the draft replies
    this.draft = ''; // while a message is being edited
    /** @type {number | null} */
    this.typingSentAt = null; // monotonic
    this.saving = false;
    this.waiting = false; // the message is to be sent once its files are uploaded
    this.field = element('textarea', {
      rows: 1,
      placeholder: gettext('Write a message'),
      'aria-label': gettext('Message'),
      'aria-describedby': 'how-to-send',
      dir: 'auto',
      enterKeyHint: 'send',
      value: getStored(draftKey) ?? '',
    });
    this.button = element('button', { class: 'button', type: 'submit' }, gettext('Send'));
    this.cancelButton = element(
      'button',
      { class: 'link', type: 'button', on: { click: () => this.cancel() } },
      gettext('Cancel'),
    );
    this.banner = element(
      'p',
      { class: 'editing', hidden: true },
      `${gettext('Editing a message')} `,
      this.cancelButton,
    );
    this.quoted = element('div', { id: 'replying-to' });
    this.replyBar = element(
      'div',
      {
        class: 'replying',
        role: 'group',
        'aria-label': gettext('Replying to a message'),
        hidden: true,
        on: { keydown: (event) => this.handleEscape(event) },
      },
      this.quoted,
      element('button', { class: 'link', type: 'button', on: { click: () => this.replyTo(null) } }, gettext('Cancel')),
    );
    this.error = element('p', { class: 'error', role: 'alert', hidden: true });
    this.attached = element('div');
    this.input = element('input', {
      type: 'file',
      multiple: true,
      hidden: true,
      on: {
        change: () => {
          this.attach([...(this.input.files ?? [])]);
          this.input.value = ''; // so that the same file can be chosen again
        },
      },
    });
    this.attachButton = element('button', {
      class: 'button secondary attach',
      type: 'button',
      title: gettext('Attach files'),
      'aria-label': gettext('Attach files'),
      on: { click: () => this.input.click() },
    });
    this.waitingNote = element('p', { class: 'waiting quiet', role: 'status' });
    this.count = element('p', { class: 'count', hidden: true });
    this.countAnnouncement = element('p', { class: 'unseen', 'aria-live': 'polite' });
    this.form = element(
      'form',
      { class: 'composer', on: { submit: (event) => this.handleSubmit(event) } },
      this.banner,
      this.replyBar,
      this.attached,
      this.error,
      this.waitingNote,
      element('div', { class: 'line' }, this.attachButton, this.input, this.field, this.button),
      this.count,
      this.countAnnouncement,
      element('p', { class: 'unseen', id: 'how-to-send' }, gettext('Press Enter to send, Shift+Enter for a new line.')),
    );
    this.field.addEventListener('input', () => this.handleInput());
    this.field.addEventListener('keydown', (event) => this.handleKey(event));
    this.field.addEventListener('paste', (event) => this.handlePaste(event));
    root.append(this.form);
    this.showQuote();
    this.update();
  }

  focus() {
    this.field.focus();
  }

  /** Insert `text` at the cursor. */
  insert(text) {
    this.field.setRangeText(text, this.field.selectionStart, this.field.selectionEnd, 'end');
    this.handleInput();
    this.focus();
  }

  set closed(closed) {
    this.form.hidden = closed;
  }

  edit(message) {
    this.waiting = false;
    if (!this.editing) this.draft = this.field.value;
    this.editing = message;
    this.showQuote();
    this.banner.hidden = false;
    this.button.textContent = gettext('Save');
    this.field.value = message.text;
    this.update();
    this.focus();
  }

  cancel() {
    if (!this.editing) return;
    this.editing = null;
    this.showQuote();
    this.banner.hidden = true;
    this.error.hidden = true;
    this.button.textContent = gettext('Send');
    this.field.value = this.draft;
    this.update();
    this.focus();
  }

  /** Reply to a message, or to none. */
  replyTo(quote) {
    this.cancel();
    this.setQuote(quote);
    this.focus();
  }

  setQuote(quote) {
    this.quote = quote;
    setStored(this.replyKey, quote);
    this.showQuote();
  }

  showQuote() {
    const quote = this.editing ? null : this.quote;
    this.replyBar.hidden = !quote;
    this.quoted.replaceChildren(...(quote ? [this.renderQuote(quote)] : []));
    this.field.setAttribute('aria-describedby', quote ? 'replying-to how-to-send' : 'how-to-send');
  }

  handleInput() {
    this.update();
    if (this.editing) return;
    const text = this.field.value;
    setStored(this.draftKey, text || null);
    const now = performance.now();
    if (!isBlank(text) && (this.typingSentAt === null || now - this.typingSentAt > TYPING_INTERVAL)) {
      this.typingSentAt = now;
      this.onTyping(true);
    } else if (!text && this.typingSentAt !== null) {
      this.typingSentAt = null;
      this.onTyping(false);
    }
  }

  handleKey(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method handles the key; Safari only reports 229
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === 'Escape') {
      this.handleEscape(event);
    } else if (event.key === 'ArrowUp' && !this.field.value && !this.editing) {
      const message = this.onUp();
      if (!message) return;
      event.preventDefault();
      this.edit(message);
    }
  }

  /** Escape stops editing or, if no message is being edited, replying. */
  handleEscape(event) {
    if (event.key !== 'Escape' || !(this.editing || this.quote)) return;
    event.preventDefault();
    if (this.editing) this.cancel();
    else this.replyTo(null);
  }

  /** Whether there is something to send or save. */
  get canSend() {
    return !isBlank(this.field.value) || (!this.editing && this.uploads?.isEmpty === false);
  }

  /** Attach files, unless they cannot be sent now. */
  async attach(files) {
    if (this.editing || this.form.hidden || files.length === 0) return;
    try {
      if (!this.uploads) this.showUploads(await this.loadUploads());
      this.uploads?.add(files);
    } catch {
      this.error.textContent = gettext('No connection. Please try again.');
      this.error.hidden = false;
    }
  }

  showUploads(uploads) {
    this.uploads = uploads;
    this.attached.replaceChildren(uploads.node);
    this.update();
  }

  handlePaste(event) {
    const files = filesOf(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    this.attach(files);
  }

  /** The state of an upload has changed. */
  handleUploads() {
    const send = this.waiting && !this.uploads?.isBusy;
    if (send) this.waiting = false;
    if (!this.uploads?.hasFailed && !this.editing) this.error.hidden = true;
    this.update();
    if (send && this.canSend) this.form.requestSubmit();
  }

  async handleSubmit(event) {
    event.preventDefault();
    const text = trim(this.field.value);
    if (!this.canSend || this.waiting) return;
    if (excess(text) > 0) {
      this.error.textContent = tooLong(excess(text));
      this.error.hidden = false;
      return;
    }
    this.error.hidden = true;
    if (!this.editing) {
      if (this.uploads?.hasFailed) {
        this.error.textContent = gettext('A file was not uploaded. Try again, or remove it.');
        this.error.hidden = false;
        return;
      }
      if (this.uploads?.isBusy) {
        this.waiting = true;
        this.update();
        return;
      }
      // The draft goes last, so that nothing is lost if this fails.
      this.onSend(isBlank(text) ? '' : text, this.quote, this.uploads?.sent ?? []);
      this.uploads?.clear();
      this.setQuote(null);
      this.field.value = '';
      this.typingSentAt = null;
      setStored(this.draftKey, null);
      this.update();
      return;
    }
    const message = this.editing;
    this.saving = true;
    this.update();
    try {
      if (text !== message.text) await this.onEdit(message, text);
      this.cancel();
    } catch (error) {
      this.error.textContent = error.message;
      this.error.hidden = false;
    } finally {
      this.saving = false;
      this.update();
    }
  }

  /** Fit the height to the text, and update the button and the countdown. */
  update() {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(this.field.scrollHeight + 2, 200)}px`;
    const text = this.field.value;
    this.button.disabled = this.saving || this.waiting || !this.canSend;
    this.waitingNote.textContent = this.waiting
      ? gettext('Your message will be sent once its files are uploaded.')
      : '';
    this.attached.hidden = this.attachButton.hidden = Boolean(this.editing);
    this.countDown(text.length < MAX_TEXT - COUNT_FROM ? -MAX_TEXT : excess(text));
  }

  /** Show how many characters are left or too many; announce it when the limit comes near and when it is exceeded. */
  countDown(over) {
    const before = this.count.textContent && (this.field.getAttribute('aria-invalid') === 'true' ? 'over' : 'near');
    const now = over > 0 ? 'over' : over > -COUNT_FROM ? 'near' : '';
    const text =
      now === 'over'
        ? ngettext('%(n)s character too long', '%(n)s characters too long', over)
        : ngettext('%(n)s character left', '%(n)s characters left', -over);
    this.count.textContent = now && interpolate(text, { n: Math.abs(over) });
    this.count.hidden = !now;
    this.count.classList.toggle('error', now === 'over');
    this.field.setAttribute('aria-invalid', String(now === 'over'));
    if (now !== before) this.countAnnouncement.textContent = this.count.textContent;
    if (now !== 'over' && before === 'over') this.error.hidden = true;
  }
}
