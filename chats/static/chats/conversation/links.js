// Links in messages. Only what is certainly an address becomes a link; everything else stays text.

import { element } from '../../chatapi/ui/dom.js';

// Where an address may start. Before the @ of a mailbox only ASCII is accepted: in `müller@…`, `ller@…` would be
// somebody else's.
const START =
  /(?<![a-z\d])(?:https?:\/\/|www\.|tel:)|(?<![\w.%+'\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{M}-])(?<!\/\/|\p{L}’)(?:mailto:)?[\w.%+'-]+@/giu;
// The characters of an address: ASCII that browsers accept unescaped, and other characters that are neither invisible
// nor bidirectional controls, quotation marks, brackets or punctuation that ends a clause.
const REST =
  /(?:[!#-;=?-[\]^_a-z{|}~]|[^\p{ASCII}\s\p{C}\p{Default_Ignorable_Code_Point}\p{Quotation_Mark}\p{Terminal_Punctuation}\p{Ps}\p{Pe}\u2800…‥＜＞])+/iuy;
const HOST = /\[[\da-f:.]+\]|(?:(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{M}\p{N}\p{Extended_Pictographic}._-])+/iuy;
const PORT = /:\d+/y;
const NUMBER = /\+?[\d(](?:(?<=[\d)]) (?=[\d(])|[\d()./-])*/y;
// Scripts written without spaces, or that attach suffixes to words: after `.com`, their letters belong to the sentence.
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const TOP_LEVEL = /^(?:xn--[a-z\d-]+|[\p{L}\p{M}]{2,})$/iu;
const MAX_ADDRESS = 2_000; // characters
const MAX_HOST = 253;

/**
 * Split `text` into nodes: strings, and an `a` for each address of a website, mailbox or telephone.
 *
 * @param {string} text
 * @returns {(string | HTMLAnchorElement)[]}
 */
export function linkify(text) {
  const nodes = [];
  let done = 0; // up to here, the text is in `nodes`
  START.lastIndex = 0;
  for (let match = START.exec(text); match; match = START.exec(text)) {
    const { start = match.index, end, href, title } = address(text, match);
    START.lastIndex = end;
    if (!href) continue;
    // Isolated and left to right: otherwise right-to-left text around it could reorder its parts.
    const properties = { href, title, dir: 'ltr', target: '_blank', rel: 'noopener noreferrer nofollow ugc' };
    nodes.push(text.slice(done, start), element('a', properties, text.slice(start, end)));
    done = end;
  }
  nodes.push(text.slice(done));
  return nodes.filter((node) => node !== '');
}

/**
 * The address at a match of START. Without `href`, the text up to `end` contains none.
 *
 * @returns {{end: number, start?: number, href?: string, title?: string | null}}
 */
function address(text, { 0: found, index }) {
  const after = index + found.length;
  if (found.endsWith('@')) return mailbox(text, index, after);
  if (found.toLowerCase() === 'tel:') return telephone(text, after);
  return website(text, index, found.endsWith('/') ? after : index);
}

/** Where a match of the sticky `pattern` at `from` ends; `from` if there is none. */
function endOf(pattern, text, from) {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

// --- Websites ---

function website(text, start, hostStart) {
  const ahead = text.slice(hostStart, hostStart + MAX_HOST + 50);
  const authority = ahead.slice(0, endOf(REST, ahead, 0)).split(/[/?#]/, 1)[0];
  // In https://bank.example@evil.example, what looks like the host is a user name.
  if (authority.includes('@')) return { end: endOf(REST, text, hostStart) };
  const hostEnd = endOfHost(text, hostStart);
  let end = endOf(PORT, text, hostEnd);
  let limit = end;
  if (end > hostStart && '/?#'.includes(text[end] ?? ' ')) {
    limit = endOf(REST, text, end);
    end = trimEnd(text, start, end, limit);
  } else if (end === hostEnd) {
    end = withoutDots(text, end);
  }
  const written = text.slice(start, end);
  const url =
    end > hostStart && written.toLowerCase() !== 'www' && parsed(hostStart === start ? `https://${written}` : written);
  if (!url) return { end: Math.max(limit, hostStart + 1) };
  // Show the canonical host if it differs from the written one, as with look-alike letters.
  const host = text.slice(hostStart, hostEnd).toLowerCase();
  return { end, href: url.href, title: host.startsWith(url.hostname) ? null : url.hostname };
}

function parsed(address) {
  if (address.length > MAX_ADDRESS) return null;
  try {
    const url = new URL(address);
    return ['http:', 'https:'].includes(url.protocol) && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}

/** Where the host that starts at `start` ends; `start` if there is none. */
function endOfHost(text, start) {
  const ahead = text.slice(start, start + MAX_HOST);
  const end = endOf(HOST, ahead, 0);
  const top = ahead.lastIndexOf('.', end - 1) + 1;
  const sentence = top > 0 ? ahead.slice(top, end).search(UNSPACED) : -1;
  return start + (sentence > 0 ? top + sentence : end);
}

/** Move `end` before characters that no host ends with. */
function withoutDots(text, end) {
  while ('.-_'.includes(text[end - 1] ?? ' ')) end -= 1;
  return end;
}

const OPENERS = { ')': '(', ']': '[', '}': '{' };
const EMPHASIS = '*_~|';
const MAX_EMPHASIS = 4;
const ENDS_CLAUSE = /[.,:;!?'‐-―〜]/;

/** Move `end` before trailing punctuation, closing brackets opened before the address, and emphasis around it. */
function trimEnd(text, start, from, end) {
  // Count once; counting again after each removed character would take quadratic time.
  const counts = new Map();
  const count = (character) => counts.get(character) ?? 0;
  for (let at = from; at < end; at += 1) counts.set(text[at], count(text[at]) + 1);
  const around = [];
  for (let at = start - 1; around.length < MAX_EMPHASIS && EMPHASIS.includes(text[at] ?? ' '); at -= 1)
    around.push(text[at]);
  for (; end > from; end -= 1) {
    const last = text[end - 1];
    if (last in OPENERS && count(last) > count(OPENERS[last])) counts.set(last, count(last) - 1);
    else if (around.includes(last)) around.splice(around.indexOf(last), 1);
    else if (!ENDS_CLAUSE.test(last)) break;
  }
  return end;
}

// --- Mailboxes and telephones ---

/** A mailbox whose domain starts at `domainStart`. After `mailto:`, it may have a query. */
function mailbox(text, from, domainStart) {
  const scheme = text.slice(from, domainStart).toLowerCase().startsWith('mailto:') ? 'mailto:'.length : 0;
  let end = withoutDots(text, endOfHost(text, domainStart));
  let start = from;
  // Punctuation around the mailbox may look like a part of its name.
  while (!scheme && (`.-'%+`.includes(text[start]) || (text[start] === '_' && text[end] === '_'))) start += 1;
  const name = text.slice(start + scheme, domainStart - 1);
  const domain = text.slice(domainStart, end);
  const host =
    name &&
    domain.includes('.') &&
    TOP_LEVEL.test(domain.slice(domain.lastIndexOf('.') + 1)) &&
    parsed(`https://${domain}`)?.hostname;
  if (!host) return { end: Math.max(end, domainStart) };
  let href = `mailto:${name.replaceAll('%', '%25')}@${host}`;
  if (scheme && text[end] === '?') {
    const query = end;
    end = trimEnd(text, start, end, endOf(REST, text, end));
    href += text.slice(query, end);
  }
  return href.length > MAX_ADDRESS ? { end } : { start, end, href };
}

/** Digits only: codes with * and # can make a telephone do more than dial. */
function telephone(text, numberStart) {
  let end = endOf(NUMBER, text, numberStart);
  let number = text.slice(numberStart, end);
  // Numbers with a prefix are often grouped by spaces; a short number ends at the first space.
  if (!/^[+0(]/.test(number)) [number] = number.split(' ', 1);
  number = number.replace(/\D+$/, '');
  end = numberStart + number.length;
  const digits = (number.startsWith('+') ? number.replace('(0)', '') : number).replace(/\D/g, '');
  if (digits.length < 3 || digits.length > 15) return { end: Math.max(end, numberStart) };
  return { end, href: `tel:${number.startsWith('+') ? '+' : ''}${digits}` };
}
