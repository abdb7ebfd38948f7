// The form for the notes of a chat, loaded when it is first opened. The draft of a new note is stored, so it survives a
// reload.

import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { isBlank, trim } from '../../chatapi/text/text.js';
import { element } from '../../chatapi/ui/dom.js';
import { excess, tooLong } from '../conversation/composer.js';
import { describeError } from '../conversation/errors.js';
import { newKey } from '../conversation/outbox.js';
import { mayMention, suggestMembers } from './mentions.js';

/**
 * What the form writes.
 *
 * @typedef {object} Target
 * @property {any} note the one that is edited; null for a new one
 * @property {number[]} chosen ids of members whom the writer has chosen
 * @property {boolean} cancelled
 */

export class NoteForm {
  /**
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api has the member's token
   * @param {string} options.path the notes', in the API
   * @param {string} options.draftKey where the draft is stored
   * @param {import('./mentions.js').Members} options.members
   * @param {(note: any, isNew: boolean) => void} options.onSaved
   * @param {(text: string) => void} options.onError gets an error that is not that of what the form shows
   * @param {() => void} options.onClosed
   */
  constructor({ api, path, draftKey, members, onSaved, onError, onClosed }) {
    this.api = api;
    this.path = path;
    this.draftKey = draftKey;
    this.attemptKey = `${draftKey}:attempt`;
    this.members = members;
    this.onSaved = onSaved;
    this.onError = onError;
    this.onClosed = onClosed;
    /** @type {Target} */
    this.draft = { note: null, chosen: [], cancelled: false };
    /** @type {Target | null} */
    this.target = null; // while the form is closed
    /** @type {Target | null} */
    this.saving = null;
    this.field = element('textarea', {
      rows: 3,
      dir: 'auto',
      'aria-label': gettext('Note for members'),
      on: { input: () => this.handleInput(), keydown: (event) => this.handleKey(event) },
    });
    const mentionField = element('div', { class: 'mention-field' }, this.field);
    suggestMembers(this.field, mentionField, members, (id) => this.target?.chosen.push(id));
    this.button = element('button', { class: 'button small', type: 'submit' }, gettext('Save the note'));
    this.error = element('p', { class: 'error', role: 'alert', hidden: true });
    this.node = element(
      'form',
      {
        class: 'note-form',
        hidden: true,
        'aria-label': gettext('Note'),
        on: {
          submit: (event) => this.handleSubmit(event),
          keydown: (event) => {
            if (event.key === 'Escape' && !event.defaultPrevented) this.cancel();
          },
        },
      },
      element('p', { class: 'small' }, gettext('Only members of the company see notes. Type @ to mention somebody.')),
      mentionField,
      this.error,
      element(
        'div',
        { class: 'buttons' },
        this.button,
        element(
          'button',
          { class: 'link small', type: 'button', on: { click: () => this.cancel() } },
          gettext('Cancel'),
        ),
      ),
    );
  }

  /** Write a new note, or go on with the draft. */
  write() {
    this.draft.cancelled = false;
    if (this.target !== this.draft) this.open(this.draft, getStored(this.draftKey) ?? '');
    this.field.focus();
  }

  edit(note) {
    this.open({ note, chosen: [...note.mentions], cancelled: false }, note.text);
    this.field.focus();
  }

  open(target, text) {
    this.target = target;
    this.field.value = text;
    this.error.hidden = true;
    this.node.hidden = false;
    this.handleInput();
  }

  cancel() {
    if (this.target) this.target.cancelled = true;
    this.close();
  }

  close() {
    this.node.hidden = true;
    this.target = null;
    this.onClosed();
  }

  handleInput() {
    if (this.target === this.draft) setStored(this.draftKey, this.field.value || null);
    this.update();
  }

  update() {
    this.field.readOnly = this.saving !== null && this.saving === this.target;
    this.button.disabled = this.saving !== null || isBlank(this.field.value);
  }

  handleKey(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.node.requestSubmit();
  }

  async handleSubmit(event) {
    event.preventDefault();
    const { target } = this; // another one may be opened while this one is saved
    const text = trim(this.field.value);
    if (!target || this.saving || isBlank(text)) return;
    if (excess(text) > 0) {
      this.showError(tooLong(excess(text)));
      return;
    }
    this.error.hidden = true;
    this.saving = target;
    this.update();
    try {
      if (mayMention(text)) await this.members.load();
      if (target.cancelled) return;
      const body = { text, mentions: this.members.mentionedIn(text, target.chosen) };
      const saved = target.note ? await this.api.put(`${this.path}/${target.note.id}`, body) : await this.create(body);
      if (this.target === target) this.close();
      this.onSaved(saved, !target.note);
    } catch (error) {
      if (this.target === target) this.showError(describeError(error));
      else this.onError(describeError(error));
    } finally {
      this.saving = null;
      this.update();
    }
  }

  /** Create a note. The same note keeps its idempotency key until the server has answered. */
  async create(body) {
    const content = JSON.stringify(body);
    let attempt = getStored(this.attemptKey);
    if (attempt?.content !== content) attempt = { key: newKey(), content };
    setStored(this.attemptKey, attempt);
    const note = await this.api.post(this.path, body, { key: attempt.key });
    setStored(this.attemptKey, null);
    setStored(this.draftKey, null);
    this.draft.chosen = [];
    return note;
  }

  showError(text) {
    this.error.textContent = text;
    this.error.hidden = false;
  }
}
