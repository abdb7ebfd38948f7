// What the pages say about files, and which ones they refuse before an upload.

import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';

/** @typedef {{files: number, bytes: number, types: string[]}} Limits of a message, of a file, and the allowed types */

const UNITS = ['kilobyte', 'megabyte', 'gigabyte'];
// Names that browsers have for types of the server.
const SAME_AS = {
  'application/x-zip-compressed': 'application/zip',
  'application/x-gzip': 'application/gzip',
  'application/ogg': 'audio/ogg',
  'application/yaml': 'application/x-yaml',
};

/** @returns {Limits} */
export function readLimits() {
  const limits = document.getElementById('file-limits')?.textContent;
  return limits ? JSON.parse(limits) : { files: 0, bytes: 0, types: [] };
}

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
 * Return whether a type fits one of the patterns, such as `image/*`. The server decides about a file without a type.
 *
 * @param {string} type
 * @param {string[]} patterns
 */
export function isAllowed(type, patterns) {
  const known = SAME_AS[type] ?? type;
  return (
    known === '' ||
    patterns.some((pattern) => (pattern.endsWith('*') ? known.startsWith(pattern.slice(0, -1)) : known === pattern))
  );
}

/**
 * A sentence that says why a file cannot be attached; null if it can.
 *
 * @param {{name: string, size: number, type: string}} file
 * @param {Limits} limits
 * @param {number} count how many files the message has
 */
export function refusal({ name, size, type }, limits, count) {
  if (count >= limits.files) {
    const text = ngettext(
      'A message can have at most %(n)s file.',
      'A message can have at most %(n)s files.',
      limits.files,
    );
    return interpolate(text, { n: limits.files });
  }
  if (size === 0) return interpolate(gettext('“%(name)s” is empty.'), { name });
  if (size > limits.bytes) {
    return interpolate(gettext('“%(name)s” is larger than %(size)s.'), { name, size: formatSize(limits.bytes) });
  }
  if (!isAllowed(type, limits.types)) {
    return interpolate(gettext('“%(name)s” is of a type that is not allowed.'), { name });
  }
  return null;
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
