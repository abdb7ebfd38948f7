// Links in what people write: text stays text, and only what is certainly an address becomes a link.

import { element } from '../../chatapi/ui/dom.js';

// Where an address may begin. A mailbox is ASCII before its @: `ller@…` of `müller@…` would be another one.
const START =
  /(?<![a-z\d])(?:https?:\/\/|www\.|tel:)|(?<![\w.%+'\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{M}-])(?<!\/\/|\p{L}’)(?:mailto:)?[\w.%+'-]+@/giu;
// Characters of an address: of ASCII, those that browsers take as they are; of all others, none that is invisible or
// turns the text around it, and no quotation mark, bracket or end of a clause.
const REST =
  /(?:[!#-;=?-[\]^_a-z{|}~]|[^\x00-\x7f\s\p{C}\p{Default_Ignorable_Code_Point}\p{Quotation_Mark}\p{Terminal_Punctuation}\p{Ps}\p{Pe}\u2800…‥＜＞])+/iuy;
const HOST =
  /\[[\da-f:.]+\]|(?:(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{M}\p{N}\p{Extended_Pictographic}._-])+/iuy;
const PORT = /:\d+/y;
const NUMBER = /\+?[\d(](?:(?<=[\d)]) (?=[\d(])|[\d().\/-])*/y;
// Scripts written without spaces, or with endings: after `.com`, their letters belong to the sentence.
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const TOP_LEVEL = /^(?:xn--[a-z\d-]+|[\p{L}\p{M}]{2,})$/iu;
const MAX_ADDRESS = 2_000; // characters; a longer one is not meant to be clicked
const MAX_HOST = 253;

/** `text` as nodes: strings, and an `a` for each address of a website, a mailbox or a telephone. */
export function linked(text) {
  const nodes = [];
  let done = 0; // up to here, the text is in `nodes`
  START.lastIndex = 0;
  for (let match = START.exec(text); match; match = START.exec(text)) {
    const { start = match.index, end, href, title } = address(text, match);
    START.lastIndex = end;
    if (!href) continue;
    // Left to right, apart from the text around it: otherwise right-to-left text could reorder its parts.
    const properties = { href, title, dir: 'ltr', target: '_blank', rel: 'noopener noreferrer nofollow ugc' };
    nodes.push(text.slice(done, start), element('a', properties, text.slice(start, end)));
    done = end;
  }
  nodes.push(text.slice(done));
  return nodes.filter((node) => node !== '');
}

/** {start, end, href, title} of the address at a match of START; without `href`, there is none before `end`. */
function address(text, { 0: found, index }) {
  const after = index + found.length;
  if (found.endsWith('@')) return mailbox(text, index, after);
  if (found.toLowerCase() === 'tel:') return telephone(text, index, after);
  return website(text, index, found.endsWith('/') ? after : index);
}

/** Where `pattern`, a sticky one, ends if it matches at `from`; otherwise `from`. */
function endOf(pattern, text, from) {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

// --- Websites ---

function website(text, start, hostStart) {
  const ahead = text.slice(hostStart, hostStart + MAX_HOST + 50);
  const authority = ahead.slice(0, endOf(REST, ahead, 0)).split(/[/?#]/, 1)[0];
  // In https://bank.example@evil.example, what looks like the host is a user's name: never a link.
  if (authority.includes('@')) return { end: endOf(REST, text, hostStart) };
  const hostEnd = endOfHost(text, hostStart);
  let end = endOf(PORT, text, hostEnd);
  let limit = end;
  if (end > hostStart && '/?#'.includes(text[end] ?? ' ')) {
    limit = endOf(REST, text, end);
    end = trimmed(text, start, end, limit);
  } else if (end === hostEnd) {
    end = withoutDots(text, end);
  }
  const written = text.slice(start, end);
  const url = end > hostStart && written.toLowerCase() !== 'www' && parsed(hostStart === start ? `https://${written}` : written);
  if (!url) return { end: Math.max(limit, hostStart + 1) };
  // The true name of a host that is written in another way, such as letters that look like others.
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

/** Where the host that begins at `start` ends; at `start` when there is none. */
function endOfHost(text, start) {
  const ahead = text.slice(start, start + MAX_HOST);
  const end = endOf(HOST, ahead, 0);
  const top = ahead.lastIndexOf('.', end - 1) + 1;
  const sentence = top > 0 ? ahead.slice(top, end).search(UNSPACED) : -1;
  return start + (sentence > 0 ? top + sentence : end);
}

/** `end` without what no host ends with. */
function withoutDots(text, end) {
  while ('.-_'.includes(text[end - 1] ?? ' ')) end -= 1;
  return end;
}

const OPENERS = { ')': '(', ']': '[', '}': '{' };
const EMPHASIS = '*_~|';
const MAX_EMPHASIS = 4;
const ENDS_CLAUSE = /[.,:;!?'‐-―〜]/;

/** `end` without the punctuation after an address, brackets opened before it, and emphasis around it. */
function trimmed(text, start, from, end) {
  // Counted once: counting again for each character removed would take quadratic time.
  const counts = new Map();
  const count = (character) => counts.get(character) ?? 0;
  for (let at = from; at < end; at += 1) counts.set(text[at], count(text[at]) + 1);
  const around = [];
  for (let at = start - 1; around.length < MAX_EMPHASIS && EMPHASIS.includes(text[at] ?? ' '); at -= 1) around.push(text[at]);
  for (; end > from; end -= 1) {
    const last = text[end - 1];
    if (last in OPENERS && count(last) > count(OPENERS[last])) counts.set(last, count(last) - 1);
    else if (around.includes(last)) around.splice(around.indexOf(last), 1);
    else if (!ENDS_CLAUSE.test(last)) break;
  }
  return end;
}

// --- Mailboxes and telephones ---

/** A mailbox whose name ends, with its @, at `domainStart`; a `mailto:` before it may bring a query. */
function mailbox(text, from, domainStart) {
  const scheme = text.slice(from, domainStart).toLowerCase().startsWith('mailto:') ? 'mailto:'.length : 0;
  let end = withoutDots(text, endOfHost(text, domainStart));
  let start = from;
  // What surrounds it is in the name's characters, too.
  while (!scheme && (`.-'%+`.includes(text[start]) || (text[start] === '_' && text[end] === '_'))) start += 1;
  const name = text.slice(start + scheme, domainStart - 1);
  const domain = text.slice(domainStart, end);
  const host = name && domain.includes('.') && TOP_LEVEL.test(domain.slice(domain.lastIndexOf('.') + 1)) && parsed(`https://${domain}`)?.hostname;
  if (!host) return { end: Math.max(end, domainStart) };
  let href = `mailto:${name.replaceAll('%', '%25')}@${host}`;
  if (scheme && text[end] === '?') {
    const query = end;
    end = trimmed(text, start, end, endOf(REST, text, end));
    href += text.slice(query, end);
  }
  return href.length > MAX_ADDRESS ? { end } : { start, end, href };
}

/** Digits alone: codes with * and # have telephones do more than dial. */
function telephone(text, start, numberStart) {
  let end = endOf(NUMBER, text, numberStart);
  let number = text.slice(numberStart, end);
  // Numbers with a prefix are written with spaces; after a short one, a space ends it.
  if (!/^[+0(]/.test(number)) [number] = number.split(' ', 1);
  number = number.replace(/\D+$/, '');
  end = numberStart + number.length;
  const digits = (number.startsWith('+') ? number.replace('(0)', '') : number).replace(/\D/g, '');
  if (digits.length < 3 || digits.length > 15) return { end: Math.max(end, numberStart) };
  return { end, href: `tel:${number.startsWith('+') ? '+' : ''}${digits}` };
}
