// The notes of an open chat, which only members see: shown among the messages, and the form to write them.

import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { isBlank, shorten, trim } from '../../chatapi/text/text.js';
import { formatDateTime, formatTime } from '../../chatapi/text/times.js';
import { confirmAction } from '../../chatapi/ui/dialog.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { excess, tooLong } from '../conversation/composer.js';
import { describeError } from '../conversation/errors.js';
import { formatText } from '../conversation/formatting.js';
import { messageButton } from '../conversation/message.js';
import { MentionSuggestions } from './mention-suggestions.js';
import { mayMention } from './mentions.js';

export class ChatNotes {
  /**
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api has the member's token
   * @param {any} options.chat
   * @param {any} options.user
   * @param {any} options.company the reader's, with their role
   * @param {import('./mentions.js').Members} options.members
   */
  constructor({ api, chat, user, company, members }) {
    this.api = api;
    this.members = members;
    /** @type {number[]} */
    this.chosen = []; // members whom the writer has chosen
    this.user = user;
    this.company = company;
    this.path = `/api/chats/${chat.id}/notes`;
    this.draftKey = `chatapi:note:${user.id}:${chat.id}`;
    /** @type {Map<number, any>} by id, in the order of the log */
    this.notes = new Map();
    /** @type {Map<number, HTMLElement>} by id */
    this.elements = new Map();
    /** @type {import('../conversation/timeline.js').Timeline | null} */
    this.timeline = null;
    this.editing = null;
    this.saving = false;
    this.field = element('textarea', {
      rows: 3,
      dir: 'auto',
      'aria-label': gettext('Note for members'),
      on: { input: () => this.handleInput(), keydown: (event) => this.handleKey(event) },
    });
    this.suggestions = new MentionSuggestions({
      field: this.field,
      members,
      chosen: this.chosen,
    });
    this.button = element('button', { class: 'button small', type: 'submit' }, gettext('Save the note'));
    this.error = element('p', { class: 'error', role: 'alert', hidden: true });
    this.announcement = element('p', { class: 'unseen', 'aria-live': 'polite' });
    this.form = element(
      'form',
      {
        class: 'note-form',
        hidden: true,
        'aria-label': gettext('Note'),
        on: {
          submit: (event) => this.handleSubmit(event),
          keydown: (event) => {
            if (event.key === 'Escape' && !event.defaultPrevented) this.closeForm();
          },
        },
      },
      element('p', { class: 'small' }, gettext('Only members of the company see notes. Type @ to mention somebody.')),
      element('div', { class: 'mention-field' }, this.field, this.suggestions.node),
      this.error,
      element(
        'div',
        { class: 'buttons' },
        this.button,
        element(
          'button',
          { class: 'link small', type: 'button', on: { click: () => this.closeForm() } },
          gettext('Cancel'),
        ),
      ),
    );
    this.node = element('div', {}, this.form, this.announcement);
    this.onClosed = () => {};
  }

  /** Load all notes, newest first. */
  async load() {
    let page;
    let cursor = '';
    do {
      page = await this.api.get(`${this.path}?per_page=249${cursor && `&cursor=${cursor}`}`);
      for (const note of page.data) this.keep(note);
      cursor = page.next_cursor;
    } while (cursor);
    this.place();
  }

  /** Show the notes in a timeline, in place of the one before. */
  showIn(timeline) {
    this.timeline = timeline;
    timeline.onArrange = () => this.place();
    this.place();
  }

  /**
   * Go to a note, and load the messages around it unless it is shown.
   *
   * @param {{id: number, seq: number}} note
   */
  async goTo({ id, seq }) {
    if (!this.elements.get(id)?.isConnected) await this.timeline?.openAround(seq);
    const target = this.elements.get(id);
    if (target?.isConnected) this.timeline?.reveal(target);
  }

  handleEvent({ type, data: note }) {
    const isNew = type === 'note.created' && !this.notes.has(note.id);
    this.keep(note);
    this.place();
    if (!isNew || note.author?.id === this.user.id || note.text === null) return;
    this.announcement.textContent = interpolate(gettext('Note by %(name)s: %(text)s'), {
      name: nameOf(note),
      text: shorten(note.text, 300),
    });
  }

  /** Keep a version of a note, unless a newer one is known. */
  keep(note) {
    const known = this.notes.get(note.id);
    if (known && versionOf(known) >= versionOf(note)) return;
    this.notes.set(note.id, note);
    const former = this.elements.get(note.id);
    const rendered = this.render(note);
    this.elements.set(note.id, rendered);
    former?.replaceWith(rendered);
  }

  /** Place the notes after the messages that they follow, as far as these are loaded. */
  place() {
    if (!this.timeline) return;
    const { entries, list, reachedStart, atEnd } = this.timeline;
    let previous = null; // the note placed before
    let place = -1; // the index of the message that it follows
    for (const note of [...this.notes.values()].sort((a, b) => a.member_seq - b.member_seq)) {
      const index = entries.findLastIndex(({ message }) => message.seq <= note.seq);
      const node = this.elements.get(note.id);
      if (!(index >= 0 || reachedStart) || !(atEnd || index < entries.length - 1)) {
        node.remove();
        continue;
      }
      const after = previous && index === place ? previous : index >= 0 ? entries[index].element : null;
      if (after ? after.nextElementSibling !== node : list.firstElementChild !== node) {
        if (after) after.after(node);
        else list.prepend(node);
      }
      entries[index + 1]?.element.classList.remove('follows'); // the name is not that of the message before
      previous = node;
      place = index;
    }
  }

  render(note) {
    const deleted = note.deleted_at !== null;
    const mine = note.author?.id === this.user.id;
    const manages = ['owner', 'manager'].includes(this.company?.role);
    const tools = [];
    if (mine) tools.push(messageButton(gettext('Edit'), 'edit', () => this.edit(note)));
    if (mine || manages) tools.push(messageButton(gettext('Delete'), 'delete', () => this.remove(note)));
    const named = !deleted && note.mentions.includes(this.user.id);
    return element(
      'li',
      {
        class: ['message', 'note', deleted && 'gone', named && 'mentions-me'].filter(Boolean).join(' '),
        tabIndex: -1,
        data: { note: String(note.id) },
      },
      element(
        'div',
        { class: 'who' },
        bdi(mine ? gettext('You') : nameOf(note)),
        element('span', { class: 'badge' }, gettext('Note')),
      ),
      element(
        'div',
        { class: 'bubble', dir: 'auto' },
        ...(deleted ? [gettext('This note was deleted.')] : formatText(note.text)),
      ),
      element(
        'div',
        { class: 'meta' },
        element(
          'time',
          { dateTime: note.created_at, title: formatDateTime(note.created_at) },
          formatTime(note.created_at),
        ),
        note.edited_at && !deleted
          ? element('span', { title: formatDateTime(note.edited_at) }, gettext('edited'))
          : null,
        deleted || tools.length === 0 ? null : element('span', { class: 'tools' }, ...tools),
      ),
    );
  }

  // --- The form ---

  /** Write a new note, or go on with the draft. */
  write() {
    if (this.editing || this.form.hidden) {
      this.editing = null;
      this.openForm(getStored(this.draftKey) ?? '');
    }
    this.field.focus();
  }

  edit(note) {
    this.editing = note;
    this.openForm(note.text);
    this.field.focus();
  }

  openForm(text) {
    this.field.value = text;
    this.error.hidden = true;
    this.form.hidden = false;
    this.handleInput();
  }

  closeForm() {
    this.form.hidden = true;
    this.editing = null;
    this.onClosed();
  }

  handleInput() {
    if (!this.editing) setStored(this.draftKey, this.field.value || null);
    this.button.disabled = this.saving || isBlank(this.field.value);
  }

  handleKey(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  async handleSubmit(event) {
    event.preventDefault();
    const text = trim(this.field.value);
    if (this.saving || isBlank(text)) return;
    if (excess(text) > 0) {
      this.showError(tooLong(excess(text)));
      return;
    }
    this.saving = true;
    this.handleInput();
    try {
      if (mayMention(text)) await this.members.load();
      const body = { text, mentions: this.members.mentionedIn(text, this.chosen) };
      const saved = this.editing
        ? await this.api.put(`${this.path}/${this.editing.id}`, body)
        : await this.api.post(this.path, body);
      if (!this.editing) setStored(this.draftKey, null);
      this.keep(saved);
      this.place();
      this.closeForm();
      this.timeline?.scrollToEnd().catch(() => {});
    } catch (error) {
      this.showError(describeError(error));
    } finally {
      this.saving = false;
      this.button.disabled = isBlank(this.field.value);
    }
  }

  showError(text) {
    this.error.textContent = text;
    this.error.hidden = false;
  }

  async remove(note) {
    if (!(await confirmAction(gettext('Delete this note?'), gettext('Delete')))) return;
    try {
      this.keep(await this.api.delete(`${this.path}/${note.id}`));
      this.place();
    } catch (error) {
      this.announcement.textContent = describeError(error);
    }
  }
}

function nameOf(note) {
  return note.author?.name ?? gettext('Former member');
}

/** Later versions have greater ones. */
function versionOf({ deleted_at: deleted, edited_at: edited }) {
  return deleted ? `9${deleted}` : (edited ?? '0');
}
