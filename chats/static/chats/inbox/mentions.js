// Names of members in a text: what is being written after an @, and who is mentioned.

/**
 * @typedef {object} Member
 * @property {number} id
 * @property {string} name
 */

const BEING_WRITTEN = /(?<=^|[\s(])@([^\s@]{0,40}(?: [^\s@]{0,40})?)$/u;

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

/**
 * The ids of those members whose names stand after an @. Of names that begin alike, the longest one counts.
 *
 * @param {string} text
 * @param {Member[]} members
 */
export function mentionsIn(text, members) {
  const byLength = [...members].sort((a, b) => b.name.length - a.name.length);
  let rest = text;
  return byLength
    .filter(({ name }) => {
      const parts = rest.split(`@${name}`);
      rest = parts.join(' ');
      return parts.length > 1;
    })
    .map(({ id }) => id);
}

function fold(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
