// The quote of a message above the replies to it.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { shorten } from '../../chatapi/text/text.js';
import { element } from '../../chatapi/ui/dom.js';
import { summaryOf } from './files.js';
import { fullName } from './message.js';

const QUOTE_LENGTH = 200; // code points, as the server cuts them

/** @typedef {{id: number, seq: number, author: any, text: string | null}} Quote the text of a deleted message is null */

/**
 * What a reply to `message` quotes, in the form in which the API has it.
 *
 * @param {any} message
 * @returns {Quote}
 */
export function quoteOf({ id, seq, author, text }) {
  const cut = text && [...text.slice(0, 2 * QUOTE_LENGTH)].slice(0, QUOTE_LENGTH).join('');
  return { id, seq, author, text: cut };
}

/**
 * @param {Quote} quote
 * @param {object} options
 * @param {boolean} options.mine whether the reader wrote the quoted message
 * @param {(() => void) | null} [options.onOpen] called when the reader wants to see it; null if there is no way to it
 * @returns {HTMLElement}
 */
export function renderQuote({ author, text }, { mine, onOpen = null }) {
  const name = mine ? gettext('You') : fullName(author);
  const shown = text === null ? gettext('This message was deleted.') : shorten(summaryOf({ text }), QUOTE_LENGTH);
  const children = [
    element('bdi', { class: 'quote-who' }, name),
    element('span', { class: text === null ? 'quote-text gone' : 'quote-text', dir: 'auto' }, shown),
  ];
  if (!onOpen) return element('div', { class: 'quote', dir: 'auto' }, ...children);
  return element(
    'button',
    {
      type: 'button',
      class: 'quote',
      tabIndex: -1,
      dir: 'auto', // its own, so that the text below has its own, too
      'aria-label': interpolate(gettext('In reply to %(name)s: %(text)s'), { name, text: shown }),
      data: { action: 'quote' },
      on: { click: onOpen },
    },
    ...children,
  );
}
