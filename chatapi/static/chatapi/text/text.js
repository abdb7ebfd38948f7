// Visible characters, lengths, truncation and comparison, by the same rules as the server (chatapi/text/display.py).

const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\u2800]/u;
export const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const MAX_GRAPHEME = 64; // code units; a longer pile of combining marks may be cut

/** Return whether a reader would see nothing. */
export const isBlank = (text) => !VISIBLE.test(text);

/** The number of code points, which is how the server measures a text. */
export function countCharacters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Remove leading empty lines and trailing white space. The first of several lines keeps its indentation. */
export function trim(text) {
  const lines = text.trimEnd().split('\n');
  const first = lines.findIndex((line) => line.trim() !== '');
  return first < 0 ? '' : lines.length - first > 1 ? lines.slice(first).join('\n') : lines[first].trim();
}

/** Cut after `max` graphemes, what readers take for a character, with `…` in place of the last if anything is cut. */
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

/** A form for comparison that ignores case and the composition of letters. */
export function fold(text) {
  const lower = text.normalize('NFC').toUpperCase().toLowerCase();
  // Treat a final sigma as a sigma, and drop the dot that a Turkish İ keeps in lower case.
  return lower.replaceAll('ς', 'σ').replaceAll('i\u0307', 'i').normalize('NFC');
}
