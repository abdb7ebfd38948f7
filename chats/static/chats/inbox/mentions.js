// Names of members in a text: the one being written after an @, and those that mention somebody.

/**
 * @typedef {object} Member
 * @property {number} id
 * @property {string} name
 */

const BEING_WRITTEN = /(?<![^\s(])@([^\s@]{0,40}(?: [^\s@]{0,40})?)$/u;

/**
 * The beginning of a name that stands after an @ before the cursor, and where the @ is; null if there is none.
 *
 * @param {string} text up to the cursor
 * @returns {{start: number, name: string} | null}
 */
export function nameBeingWritten(text) {
  const match = BEING_WRITTEN.exec(text);
  return match && { start: match.index, name: match[1] };
}

/**
 * The members with a name that starts like this, or with a later word that does.
 *
 * @template {Member} T
 * @param {T[]} members
 * @param {string} start
 */
export function membersNamed(members, start) {
  const wanted = fold(start);
  return members.filter(({ name }) => {
    const folded = fold(name);
    return folded.startsWith(wanted) || folded.includes(` ${wanted}`);
  });
}

/** Whether a text may mention somebody: there is an @ at the start of a word. */
export const mayMention = (text) => /(?<![^\s(])@/u.test(text);

/**
 * The ids of those members whose names stand after an @ as whole words. Of names that begin alike, the longest one
 * counts; of members with the same name, the one chosen last.
 *
 * @param {string} text
 * @param {Member[]} members
 * @param {number[]} chosen ids of members whom the writer has chosen, in order
 */
export function mentionsIn(text, members, chosen = []) {
  const byLength = [...members].sort(
    (a, b) => b.name.length - a.name.length || chosen.lastIndexOf(b.id) - chosen.lastIndexOf(a.id),
  );
  let rest = text;
  return byLength
    .filter(({ name }) => {
      // What is left of a mention is an @, which begins no name, and ends none.
      const parts = splitAtMentions(rest, name);
      rest = parts.join('@');
      return parts.length > 1;
    })
    .map(({ id }) => id);
}

/** The parts of a text between the mentions of a name. */
function splitAtMentions(text, name) {
  const parts = [];
  let start = 0;
  let at = text.indexOf(`@${name}`);
  while (at >= 0) {
    const end = at + name.length + 1;
    if (!/[^\s(]$/u.test(text.slice(0, at).slice(-2)) && !/^[\p{L}\p{M}\p{N}]/u.test(text.slice(end))) {
      parts.push(text.slice(start, at));
      start = end;
    }
    at = text.indexOf(`@${name}`, at + 1);
  }
  return [...parts, text.slice(start)];
}

/** The members of a company, loaded when they are first needed. */
export class Members {
  /**
   * @param {Pick<import('../../chatapi/api/client.js').Api, 'get'>} api
   * @param {number} companyId
   */
  constructor(api, companyId) {
    this.api = api;
    this.path = `/api/companies/${companyId}/users`;
    /** @type {Member[] | null} */
    this.list = null; // until they are loaded
    /** @type {Promise<void> | null} */
    this.loading = null;
  }

  /** Load them, unless they are loaded. After a failure, the next call tries again. */
  async load() {
    this.loading ??= this.loadAll().catch((error) => {
      this.loading = null;
      throw error;
    });
    await this.loading;
  }

  async loadAll() {
    const list = [];
    let cursor = '';
    do {
      const page = await this.api.get(`${this.path}?per_page=249${cursor && `&cursor=${cursor}`}`);
      list.push(...page.data.filter(({ status }) => status === 'active'));
      cursor = page.next_cursor;
    } while (cursor);
    this.list = list;
  }

  /**
   * The ids of those whom a text mentions; null if they must be loaded first.
   *
   * @param {string} text
   * @param {number[]} chosen
   */
  mentionedIn(text, chosen) {
    if (!mayMention(text)) return [];
    return this.list && mentionsIn(text, this.list, chosen);
  }
}

/**
 * Suggest members in a text field, from the first @ on.
 *
 * @param {HTMLTextAreaElement} field
 * @param {HTMLElement} parent gets the suggestions
 * @param {Members} members
 * @param {(id: number) => void} onChoose
 */
export function suggestMembers(field, parent, members, onChoose) {
  const start = async () => {
    if (!field.value.includes('@')) return;
    field.removeEventListener('input', start);
    members.load().catch(() => {}); // the suggestions try again
    try {
      const { MentionSuggestions } = await import('./mention-suggestions.js');
      const suggestions = new MentionSuggestions({ field, members, onChoose });
      parent.append(suggestions.node);
      suggestions.suggest();
    } catch {
      field.addEventListener('input', start);
    }
  };
  field.addEventListener('input', start);
  if (mayMention(field.value)) members.load().catch(() => {}); // a draft
}

function fold(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
