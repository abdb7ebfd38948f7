// The element that shows a message of the outbox.

import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { describeError } from './errors.js';
import { formatText } from './formatting.js';

/**
 * @param {import('./outbox.js').Item} item
 * @param {object} options
 * @param {HTMLElement} [options.quote] of the message to which it replies
 * @param {() => void} options.onRetry
 * @param {() => void} options.onRetryWithoutQuote
 * @param {() => void} options.onDiscard
 */
export function renderPending(item, { quote, onRetry, onRetryWithoutQuote, onDiscard }) {
  const refused = item.state === 'refused';
  const quoteRefused = refused && Boolean(item.quote) && isQuoteRefused(item.reason);
  const status = {
    sending: gettext('Sending …'),
    waiting: gettext('Not sent yet'),
    refused: quoteRefused
      ? gettext('The message you were replying to was deleted.')
      : refused
        ? describeError(item.reason)
        : '',
  }[item.state];
  const tools = [];
  if (refused) {
    // Repeated as it is, a reply to a message that was deleted would be refused again.
    if (quoteRefused) tools.push(button(gettext('Send without the quote'), onRetryWithoutQuote));
    else tools.push(button(gettext('Try again'), onRetry));
  }
  if (refused || (item.state === 'waiting' && !navigator.onLine)) tools.push(button(gettext('Discard'), onDiscard));
  return element(
    'li',
    { class: refused ? 'message mine refused' : 'message mine', data: { state: item.state } },
    element('div', { class: 'bubble', dir: 'auto' }, quote, ...formatText(item.text), ...filesOf(item)),
    element(
      'div',
      { class: 'meta' },
      element('span', { class: refused ? 'error' : '' }, status),
      tools.length ? element('span', { class: 'tools shown' }, ...tools) : null,
    ),
  );
}

/** The names of the files of a message. */
function filesOf({ files = [] }) {
  return files.map(({ name }) => element('div', { class: 'file quiet' }, `📎 ${name}`));
}

/** Return whether the server refused a message because of the one to which it replies. */
export const isQuoteRefused = (error) => 'reply_to_id' in (error.errors ?? {});

function button(label, listener) {
  return element('button', { type: 'button', class: 'tool', on: { click: listener } }, label);
}
