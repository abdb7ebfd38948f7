// What people write, by the rules of the server (chatapi/text/display.py): what is visible in it, where it may be cut, how it
// is found.

const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800]/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const MAX_GRAPHEME = 64; // code units; piles of marks may be cut

/** Whether a reader sees nothing of it. */
export const isBlank = (text) => !VISIBLE.test(text);

/** How long the server finds it: in characters, of which an emoji may have several. */
export const lengthOf = (text) => {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
};

/** Without empty lines before it and blanks after it; several lines keep their indent. */
export function trimmed(text) {
  const lines = text.trimEnd().split('\n');
  const first = lines.findIndex((line) => line.trim() !== '');
  return first < 0 ? '' : lines.length - first > 1 ? lines.slice(first).join('\n') : lines[first].trim();
}

/** The beginning, `max` characters as readers count them (an emoji is one), with `…` if cut. */
export function shorten(text, max) {
  if (text.length <= max) return text;
  const ahead = text.slice(0, max * MAX_GRAPHEME);
  let count = 0;
  let end = 0; // after max - 1 graphemes
  for (const { index, segment } of graphemes.segment(ahead)) {
    count += 1;
    if (count > max) return `${text.slice(0, end).trimEnd()}…`;
    if (count < max) end = index + segment.length;
  }
  return ahead.length < text.length ? `${text.slice(0, end).trimEnd()}…` : text;
}

/** The same for texts that differ only in case or in how their letters are composed: for comparing. */
export function folded(text) {
  const lower = text.normalize('NFC').toUpperCase().toLowerCase();
  // A final sigma is a sigma; the dot that a Turkish İ keeps in lower case is part of an i.
  return lower.replaceAll('ς', 'σ').replaceAll('i\u0307', 'i').normalize('NFC');
}
