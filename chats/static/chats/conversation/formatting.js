// Formatting in messages: bold, italics, code, lists and quotes, as in Markdown. Everything else of Markdown and all
// HTML stay text. Only elements and text nodes are created, so there is no HTML to sanitize.

import { element } from '../../chatapi/ui/dom.js';
import { Marked, Tokenizer } from '../vendor/marked.esm.js';
import { linkify } from './links.js';

const MARKUP = /[*_`~>+-]|\d[.)]\s/; // every formatted text has one of these
const LEFT_AS_TEXT = [
  'autolink',
  'br',
  'code', // by indentation; fenced code is another rule
  'def',
  'del',
  'escape', // backslashes are more often parts of paths
  'heading',
  'hr',
  'html',
  'lheading',
  'link',
  'reflink',
  'table',
  'tag',
  'url',
];
const MAX_DEPTH = 8; // of lists and quotes inside each other
// Letters of scripts that put spaces between words, and digits.
const IN_WORD = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}]/u;

// Private-use characters around the number of an address, which is set aside so that its own `_` and `*` do not format.
const PLACE = /\uE000(\d+)\uE001/g;

const markdown = new Marked({
  tokenizer: {
    ...Object.fromEntries(LEFT_AS_TEXT.map((rule) => [rule, () => undefined])),
    // Not inside a word: 2*3*4 has no italics.
    emStrong(source, masked, before = '') {
      if (IN_WORD.test(before)) return undefined;
      const token = Tokenizer.prototype.emStrong.call(this, source, masked, before);
      return token && !IN_WORD.test(source.charAt(token.raw.length)) ? token : undefined;
    },
  },
});

/**
 * The nodes that show the text of a message, with its formatting and links.
 *
 * @param {string} text
 * @returns {(string | Node)[]}
 */
export function formatText(text) {
  const parts = linkify(text);
  if (!MARKUP.test(text) || /[\uE000\uE001]/.test(text)) return parts;
  const places = parts.map((part, index) => (typeof part === 'string' ? part : `\uE000${index}\uE001`));
  try {
    return blocks(markdown.lexer(places.join('')), parts, 0);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return parts; // thousands of quotes or lists inside each other
  }
}

/** The nodes of `tokens`, which are blocks or the items of a list. `parts` has the addresses. */
function blocks(tokens, parts, depth) {
  return tokens.flatMap((token, index) => {
    if (token.type !== 'space') return block(token, parts, depth);
    // Lists, quotes and code have their own margins.
    return isParagraph(tokens[index - 1]) && isParagraph(tokens[index + 1]) ? [token.raw] : [];
  });
}

function isParagraph(token) {
  return token?.type === 'paragraph' || token?.type === 'text';
}

function block(token, parts, depth) {
  const content = () => blocks(token.tokens, parts, depth + 1);
  switch (token.type) {
    case 'paragraph':
    case 'text':
      return inline(token.tokens, parts);
    case 'code':
      return [element('pre', { dir: 'ltr' }, element('code', {}, written(token.text, parts)))];
    case 'blockquote':
      return isShown(token) && depth < MAX_DEPTH
        ? [element('blockquote', {}, ...content())]
        : [written(token.raw, parts)];
    case 'list':
      return token.items.every(isShown) && depth < MAX_DEPTH
        ? [list(token, parts, depth)]
        : [written(token.raw.trimEnd(), parts)];
    default:
      return [written(token.raw, parts)];
  }
}

/** Whether a quote or item has content: a message that is only `-` or `>` would otherwise look empty. */
function isShown(token) {
  return token.tokens.length > 0;
}

function list(token, parts, depth) {
  const items = token.items.map((item) => element('li', {}, ...blocks(item.tokens, parts, depth + 1)));
  return token.ordered ? element('ol', { start: token.start }, ...items) : element('ul', {}, ...items);
}

function inline(tokens, parts) {
  return tokens.flatMap((token) => {
    switch (token.type) {
      case 'strong':
        return [element('strong', {}, ...inline(token.tokens, parts))];
      case 'em':
        return [element('em', {}, ...inline(token.tokens, parts))];
      case 'codespan':
        return [element('code', {}, written(token.text, parts))];
      default:
        return withAddresses(token.raw, parts);
    }
  });
}

/** Text with its addresses as links. */
function withAddresses(text, parts) {
  // `split` by a pattern with a group gives texts and numbers in turn.
  return text
    .split(PLACE)
    .map((part, index) => (index % 2 ? parts[Number(part)] : part))
    .filter((part) => part !== '');
}

/** Text with its addresses as they were written, without links. */
function written(text, parts) {
  return text.replace(PLACE, (_, index) => parts[Number(index)].textContent);
}
