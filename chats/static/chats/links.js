// Links in what people write: text stays text, and only what is a link for sure becomes one.

import { element } from '../chatapi/dom.js';

const CANDIDATE = /\b(?:https?:\/\/|www\.|mailto:)[^\s<>"`]+/giu;
const MAX_ADDRESS = 2_000; // beyond that, it is not meant to be pressed
const SCHEMES = new Set(['http:', 'https:', 'mailto:']);

/** `text` as nodes: strings, and an `a` for each address of the web or of a mailbox. */
export function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const address = trimmed(match[0]);
    const url = target(address);
    if (!url) continue;
    nodes.push(text.slice(end, match.index));
    nodes.push(element('a', { href: url, target: '_blank', rel: 'noopener noreferrer nofollow ugc' }, address));
    end = match.index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== '');
}

const OPENERS = { ')': '(', ']': '[', '}': '{' };
const ENDS_SENTENCE = new Set(".,:;!?'*_");

/** Without what ends a sentence, or a bracket that was opened before the address. */
function trimmed(address) {
  // Counted once: counting again after each character that goes would take the square of the length.
  const counts = new Map();
  for (const character of address) counts.set(character, (counts.get(character) ?? 0) + 1);
  const count = (character) => counts.get(character) ?? 0;
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    if (last in OPENERS && count(last) > count(OPENERS[last])) counts.set(last, count(last) - 1);
    else if (!ENDS_SENTENCE.has(last)) break;
  }
  return address.slice(0, end);
}

function target(address) {
  if (address.length > MAX_ADDRESS) return null;
  try {
    const url = new URL(address.toLowerCase().startsWith('www.') ? `https://${address}` : address);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
