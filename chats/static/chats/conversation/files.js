// What the pages say about files.

import { gettext } from '../../chatapi/text/i18n.js';

const UNITS = ['kilobyte', 'megabyte', 'gigabyte'];
/**
 * A size in the reader's language, such as "1.5 MB".
 *
 * @param {number} bytes
 * @param {string} [language]
 */
export function formatSize(bytes, language = document.documentElement.lang) {
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const maximumFractionDigits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: 'unit', unit: UNITS[unit], maximumFractionDigits }).format(
    Math.max(value, 0.1),
  );
}

/** What a reader calls the type: the ending of the name or, without one, the type's own name. */
export function kindOf({ name, content_type: type }) {
  const ending = /\.([a-z0-9]{1,8})$/i.exec(name);
  return ending ? ending[1].toUpperCase() : type;
}

/**
 * A message in one line: its text or, without one, the name of its first file. Null if it was deleted.
 *
 * @param {{text: string | null, attachments?: {name: string}[]}} message
 */
export function summaryOf({ text, attachments = [] }) {
  if (text !== '') return text;
  return `📎 ${attachments[0]?.name ?? gettext('File')}`;
}

/** The part of a link that this origin serves. */
export const pathOf = (url) => new URL(url, 'https://chat.invalid').pathname;

/**
 * The files that a paste or drop carries. Text that office programs copy has a picture of itself beside it.
 *
 * @param {DataTransfer | null} data
 */
export function filesOf(data) {
  if (!data || (data.types.includes('text/plain') && data.types.includes('text/html'))) return [];
  return [...data.files];
}
