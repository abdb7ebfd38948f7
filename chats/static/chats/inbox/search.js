// The messages that match a search, listed below the chats that match it. Loaded with the first search.

import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { graphemes, shorten } from '../../chatapi/text/text.js';
import { formatBrief, formatDateTime } from '../../chatapi/text/times.js';
import { bdi, element, find } from '../../chatapi/ui/dom.js';
import { describeError } from '../conversation/errors.js';
import { fullName } from '../conversation/message.js';
import { titleOf } from './list.js';

const PAGE_SIZE = 20;
const MAX_EXCERPT = 160; // graphemes
const MAX_BEFORE = 40; // graphemes of the excerpt before the first match, which is then in its first lines

/**
 * The part of a text around the first match, in pieces that match or do not.
 *
 * @param {string} text
 * @param {[number, number][]} ranges the matches, in order: starts and lengths in code points
 * @returns {{text: string, matches: boolean}[]}
 */
export function excerptOf(text, ranges) {
  const segments = graphemes.segment(text);
  const matches = matchesOf(text, ranges, segments);
  const [start, end] = boundsOf(text, matches[0]?.[0] ?? 0, segments);
  const pieces = [];
  const add = (from, to, isMatch) => {
    if (from < to) pieces.push({ text: text.slice(from, to), matches: isMatch });
  };
  let at = start;
  for (const match of matches) {
    const [from, to] = match.map((index) => Math.max(at, Math.min(index, end)));
    add(at, from, false);
    add(from, to, true);
    at = to;
  }
  add(at, end, false);
  if (start > 0) pieces.unshift({ text: '…', matches: false });
  if (end < text.length) pieces.push({ text: '…', matches: false });
  return pieces;
}

/** The start and the end of an excerpt, in code units. It contains the match at `first`. */
function boundsOf(text, first, segments) {
  let start = first;
  for (let count = 0; count < MAX_BEFORE && start > 0; count += 1) [start] = graphemeAt(segments, start - 1);
  if (start > 0 && !isSpace(text[start - 1])) {
    // Begin with a whole word if there is one before the match. Some scripts have no spaces.
    const space = text.slice(start, first).search(/\s/);
    if (space >= 0) [start] = graphemeAt(segments, start + space + 1);
  }
  let end = start;
  for (let count = 0; count < MAX_EXCERPT && end < text.length; count += 1) [, end] = graphemeAt(segments, end);
  if (end < text.length) while (end > first && isSpace(text[end - 1])) end -= 1;
  return [start, end];
}

/** The starts and ends of ranges, in code units. Graphemes that match in part match as a whole. */
function matchesOf(text, ranges, segments) {
  let points = 0;
  let units = 0;
  const toUnits = (point) => {
    for (; points < point && units < text.length; points += 1) units += text.codePointAt(units) > 0xffff ? 2 : 1;
    return units;
  };
  return ranges
    .map(([start, length]) => [toUnits(start), toUnits(start + length)])
    .filter(([start, end]) => start < end) // the others are past the end of the text
    .map(([start, end]) => [graphemeAt(segments, start)[0], graphemeAt(segments, end - 1)[1]]);
}

/** The start and the end of the grapheme at an index. */
function graphemeAt(segments, at) {
  const { index, segment } = segments.containing(at);
  return [index, index + segment.length];
}

const isSpace = (character) => /\s/.test(character);

export class MessageSearch {
  /**
   * @param {object} options
   * @param {HTMLElement} options.root has a status, a list and a button; hidden while nothing is searched for
   * @param {Pick<import('../../chatapi/api/client.js').Api, 'get'>} options.api
   * @param {any[]} options.companies
   * @param {(found: any) => void} options.onOpen called when the agent chooses a message or a note
   */
  constructor({ root, api, companies, onOpen }) {
    this.root = root;
    this.status = find('[role=status]', root);
    this.list = find('ul', root);
    this.more = find('button', root);
    this.api = api;
    this.onOpen = onOpen;
    this.companies = new Map(companies.map((company) => [company.id, company]));
    /** @type {Map<string, {hit: any, button: HTMLElement}>} by `keyOf` */
    this.hits = new Map();
    /** @type {any} */
    this.current = null; // the message or note that is open beside the list
    this.query = new URLSearchParams(); // for the next page
    this.request = new AbortController(); // for the pages of one search
    this.loading = false;
    this.more.addEventListener('click', () => this.load());
  }

  /**
   * Search for messages, or clear the list if there is nothing to search for.
   *
   * @param {{q: string, company_id: string}} search
   */
  async show({ q, company_id: company }) {
    this.request.abort(); // a late response must not replace a newer one
    this.request = new AbortController();
    this.loading = false;
    this.more.hidden = true;
    this.root.hidden = !/[\p{L}\p{N}]/u.test(q); // the API refuses a search without a letter or a digit
    if (this.root.hidden) {
      this.clear();
      return;
    }
    this.query = new URLSearchParams({ q, per_page: String(PAGE_SIZE) });
    if (company) this.query.set('company_id', company);
    await this.load();
  }

  /** Load the next page. */
  async load() {
    if (this.loading) return;
    const { query } = this;
    const { signal } = this.request;
    this.loading = true;
    this.say(gettext('Searching …'));
    try {
      const page = await this.api.get(`/api/search?${query}`, { signal });
      if (signal.aborted) return;
      if (!query.has('cursor')) this.clear();
      this.add(page.data);
      this.showCount(page.next_cursor !== null);
      query.set('cursor', page.next_cursor ?? '');
    } catch (error) {
      if (signal.aborted) return;
      if (!query.has('cursor')) this.clear(); // the hits are those of another search
      this.say(describeError(error), { failed: true });
      this.more.textContent = gettext('Try again');
      this.more.hidden = false;
    }
    this.loading = false;
  }

  clear() {
    this.hits.clear();
    this.list.replaceChildren();
  }

  add(found) {
    const added = found.filter((hit) => !this.hits.has(keyOf(foundIn(hit))));
    for (const hit of added) {
      const button = this.renderHit(hit);
      this.hits.set(keyOf(foundIn(hit)), { hit, button });
      this.list.append(element('li', {}, button));
    }
    this.setCurrent(this.current);
    // The button may be hidden now. The agent continues with the first message that it has loaded.
    if (document.activeElement === this.more && added.length) this.hits.get(keyOf(foundIn(added[0]))).button.focus();
  }

  showCount(hasMore) {
    const n = this.hits.size;
    const text = hasMore
      ? gettext('More than %(n)s results found.')
      : n
        ? ngettext('%(n)s result found.', '%(n)s results found.', n)
        : gettext('No messages or notes found.');
    this.say(interpolate(text, { n }));
    this.more.textContent = gettext('More results');
    this.more.hidden = !hasMore;
  }

  say(text, { failed = false } = {}) {
    this.status.textContent = text;
    this.status.classList.toggle('failed', failed);
  }

  /** Show a message or a note as it is now, without the matches: only the server can find them. */
  handleEvent({ type, data }) {
    if (!/^(message|note)\.(updated|deleted)$/.test(type)) return;
    const found = this.hits.get(keyOf(data));
    if (!found || foundIn(found.hit).text === data.text) return; // the search was after the event
    found.hit = { ...found.hit, [data.member_seq ? 'note' : 'message']: data, ranges: [] };
    found.button.replaceChildren(...this.renderParts(found.hit));
  }

  /** Mark a message or a note as the one that is open beside the list. */
  setCurrent(found) {
    this.current = found;
    for (const [key, { button }] of this.hits) {
      const current = found !== null && key === keyOf(found);
      button.classList.toggle('current', current);
      if (current) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
  }

  /** The button of the message that is open beside the list. */
  get currentButton() {
    return (this.current && this.hits.get(keyOf(this.current))?.button) ?? null;
  }

  // --- Rendering ---

  renderHit(hit) {
    return element(
      'button',
      {
        type: 'button',
        class: hit.note ? 'row hit note-hit' : 'row hit',
        on: { click: () => this.onOpen(foundIn(hit)) },
      },
      ...this.renderParts(hit),
    );
  }

  renderParts(hit) {
    const { chat, note, ranges } = hit;
    const found = foundIn(hit);
    const { author, created_at: when } = found;
    const name = note ? (author?.name ?? gettext('Former member')) : fullName(author);
    const [first, ...others] = linesOf(found, ranges);
    const company = this.companies.size > 1 ? this.companies.get(chat.company_id) : null;
    return [
      element(
        'span',
        { class: 'row-top' },
        element('span', { class: 'row-name', title: titleOf(chat) }, bdi(titleOf(chat))),
        element('time', { class: 'quiet small', dateTime: when, title: formatDateTime(when) }, formatBrief(when)),
      ),
      element('span', { class: 'row-text' }, element('bdi', {}, `${shorten(name, 30)}: `), first),
      ...others.map((line) => element('span', { class: 'row-text' }, line)),
      note || chat.status === 'closed' || company
        ? element(
            'span',
            { class: 'row-marks' },
            note ? element('span', { class: 'badge' }, gettext('Note')) : null,
            chat.status === 'closed' ? element('span', { class: 'badge' }, gettext('Closed')) : null,
            company ? element('span', { class: 'badge' }, bdi(company.name)) : null,
          )
        : null,
    ].filter(Boolean);
  }
}

/** The message or the note of a hit. */
function foundIn({ message, note }) {
  return message ?? note;
}

function keyOf({ id, member_seq: ofMembers }) {
  return `${ofMembers ? 'note' : 'message'} ${id}`;
}

/** What a hit shows of what was found: the text, and the files if the name of one matches. */
function linesOf({ text, attachments = [], member_seq: ofMembers }, ranges) {
  if (text === null) return [ofMembers ? gettext('This note was deleted.') : gettext('This message was deleted.')];
  const pieces = excerptOf(text, ranges).map((piece) => (piece.matches ? element('mark', {}, piece.text) : piece.text));
  const files = ranges.length ? [] : attachments; // the API has no ranges for names
  return [text && element('bdi', {}, ...pieces), ...files.map(({ name }) => bdi(`📎 ${name}`))].filter(Boolean);
}
