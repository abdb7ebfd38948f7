// The notes of an open chat, which only members see, among its messages.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { shorten } from '../../chatapi/text/text.js';
import { dayKey, formatDateTime, formatDayAndTime, formatTime } from '../../chatapi/text/times.js';
import { confirmAction } from '../../chatapi/ui/dialog.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { describeError } from '../conversation/errors.js';
import { formatText } from '../conversation/formatting.js';
import { messageButton } from '../conversation/message.js';
import { replaceMessage } from '../conversation/timeline.js';

const RETRY_DELAY = 10_000; // milliseconds after notes could not be loaded

export class ChatNotes {
  /**
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api has the member's token
   * @param {any} options.chat
   * @param {any} options.user
   * @param {any} options.company the reader's, with their role
   * @param {import('./mentions.js').Members} options.members
   * @param {(text: string) => void} options.notify shows a text, in place of the one before
   * @param {() => void} options.onFormClosed
   */
  constructor({ api, chat, user, company, members, notify, onFormClosed }) {
    this.api = api;
    this.user = user;
    this.company = company;
    this.notify = notify;
    this.path = `/api/chats/${chat.id}/notes`;
    /** @type {Map<number, any>} by id, in the order of the log */
    this.notes = new Map();
    /** @type {Map<number, HTMLElement>} by id */
    this.elements = new Map();
    /** @type {import('../conversation/timeline.js').Timeline | null} */
    this.timeline = null;
    /** @type {Promise<void> | null} */
    this.loading = null; // before the first attempt, and after one that failed
    this.failed = false;
    this.retrying = null; // timer
    this.closed = false;
    this.members = members;
    this.onFormClosed = onFormClosed;
    this.draftKey = `chatapi:note:${user.id}:${chat.id}`;
    /** @type {import('./note-form.js').NoteForm | null} */
    this.form = null; // until it is first opened
    this.announcement = element('p', { class: 'unseen', 'aria-live': 'polite' });
    this.node = element('div', {}, this.announcement);
  }

  close() {
    this.closed = true;
    clearTimeout(this.retrying);
  }

  /** Load all notes, unless they are loaded. If that fails, the reader is told, and it is tried again later. */
  load() {
    clearTimeout(this.retrying);
    this.loading ??= this.loadAll().catch((error) => {
      this.loading = null;
      if (this.closed) return;
      this.failed = true;
      this.notify(interpolate(gettext('Notes could not be loaded. %(reason)s'), { reason: describeError(error) }));
      if (error.isTransient) this.retrying = setTimeout(() => this.load(), RETRY_DELAY);
    });
    return this.loading;
  }

  async loadAll() {
    let page;
    let cursor = '';
    do {
      page = await this.api.get(`${this.path}?per_page=249${cursor && `&cursor=${cursor}`}`);
      for (const note of page.data) this.keep(note);
      cursor = page.next_cursor;
    } while (cursor);
    this.keepPosition(() => this.place());
    if (this.failed) this.notify('');
    this.failed = false;
  }

  /** Show the notes in a timeline, in place of the one before. */
  showIn(timeline) {
    this.timeline = timeline;
    timeline.onArrange = () => this.place();
    this.place();
  }

  /**
   * Go to a note, and load the messages around it unless it is shown. It may have to be loaded first.
   *
   * @param {{id: number, seq: number}} note
   */
  async goTo({ id, seq }) {
    await this.loading;
    if (!this.elements.get(id)?.isConnected) await this.timeline?.openAround(seq);
    const target = this.elements.get(id);
    if (target?.isConnected) this.timeline?.reveal(target);
  }

  handleEvent({ type, data: note }) {
    const isNew = type === 'note.created' && !this.notes.has(note.id);
    this.show(note);
    if (!isNew || note.author?.id === this.user.id || note.text === null) return;
    this.announcement.textContent = interpolate(gettext('Note by %(name)s: %(text)s'), {
      name: nameOf(note),
      text: shorten(note.text, 300),
    });
  }

  /** Show a version of a note, unless a newer one is known. */
  show(note) {
    this.keepPosition(() => {
      this.keep(note);
      this.place();
    });
  }

  keepPosition(change) {
    if (this.timeline) this.timeline.keepPosition(change);
    else change();
  }

  keep(note) {
    const known = this.notes.get(note.id);
    if (known && versionOf(known) > versionOf(note)) return;
    this.notes.set(note.id, note);
    const former = this.elements.get(note.id);
    const rendered = this.render(note);
    this.elements.set(note.id, rendered);
    if (former) replaceMessage(former, rendered);
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
      const follows = previous && index === place; // another note
      const after = follows ? this.elements.get(previous.id) : index >= 0 ? entries[index].element : null;
      if (after ? after.nextElementSibling !== node : list.firstElementChild !== node) {
        if (after) after.after(node);
        else list.prepend(node);
      }
      showTime(node, note, follows ? previous : entries[index]?.message);
      entries[index + 1]?.element.classList.remove('follows'); // the name is not that of the message before
      previous = note;
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
        element('time', { dateTime: note.created_at, title: formatDateTime(note.created_at) }), // see showTime
        note.edited_at && !deleted
          ? element('span', { title: formatDateTime(note.edited_at) }, gettext('edited'))
          : null,
        deleted || tools.length === 0 ? null : element('span', { class: 'tools' }, ...tools),
      ),
    );
  }

  /** Write a new note, or go on with the draft. */
  async write() {
    (await this.loadForm()).write();
  }

  async edit(note) {
    try {
      (await this.loadForm()).edit(note);
    } catch (error) {
      this.notify(describeError(error));
    }
  }

  async loadForm() {
    const { NoteForm } = await import('./note-form.js');
    if (this.form) return this.form;
    this.form = new NoteForm({
      api: this.api,
      path: this.path,
      draftKey: this.draftKey,
      members: this.members,
      onSaved: (note, isNew) => {
        this.show(note);
        if (isNew) this.timeline?.scrollToEnd().catch(() => {});
      },
      onError: this.notify,
      onClosed: this.onFormClosed,
    });
    this.node.prepend(this.form.node);
    return this.form;
  }

  async remove(note) {
    if (!(await confirmAction(gettext('Delete this note?'), gettext('Delete')))) return;
    this.notify('');
    try {
      this.show(await this.api.delete(`${this.path}/${note.id}`));
    } catch (error) {
      this.notify(describeError(error));
    }
  }
}

/** Show the time of a note, with the day unless that is the day of what stands before it. */
function showTime(node, { created_at: at }, before) {
  const sameDay = before && dayKey(before.created_at) === dayKey(at);
  node.querySelector('time').textContent = sameDay ? formatTime(at) : formatDayAndTime(at);
}

function nameOf(note) {
  return note.author?.name ?? gettext('Former member');
}

/** Later versions have greater ones. */
function versionOf({ deleted_at: deleted, edited_at: edited }) {
  return deleted ? `9${deleted}` : (edited ?? '0');
}
