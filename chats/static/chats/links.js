// Links in what people write: text stays text, and only what is a link for sure becomes one.

import { element } from '../chatapi/dom.js';

const CANDIDATE = /\b(?:https?:\/\/|www\.|mailto:)[^\s<>"`]+/giu;
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

/** Without what ends a sentence, or a bracket that was opened before the address. */
function trimmed(address) {
  let kept = address;
  for (;;) {
    const last = kept.at(-1);
    const closes = { ')': '(', ']': '[', '}': '{' }[last];
    const unopened = closes && kept.split(last).length > kept.split(closes).length;
    if (!unopened && !/[.,:;!?'*_]/.test(last)) return kept;
    kept = kept.slice(0, -1);
  }
}

function target(address) {
  try {
    const url = new URL(address.toLowerCase().startsWith('www.') ? `https://${address}` : address);
    return SCHEMES.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
