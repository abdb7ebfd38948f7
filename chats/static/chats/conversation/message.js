// The element that shows a message.

import { gettext } from '../../chatapi/text/i18n.js';
import { formatDateTime, formatTime } from '../../chatapi/text/times.js';
import { element } from '../../chatapi/ui/dom.js';
import { formatText } from './formatting.js';

/**
 * The full name of an author or chat user.
 *
 * @param {{first_name: string, last_name: string}} person
 */
export function fullName(person) {
  return `${person.first_name} ${person.last_name}`.trim() || gettext('Unnamed');
}

/**
 * @param {any} message
 * @param {object} options
 * @param {boolean} options.mine whether the reader wrote it
 * @param {HTMLElement[]} [options.tools] its buttons
 * @param {HTMLElement | null} [options.quote] of the message to which it replies
 * @param {HTMLElement | null} [options.reactions] to it
 * @param {HTMLElement | null} [options.files] attached to it
 */
export function renderMessage(message, { mine, tools = [], quote = null, reactions = null, files = null }) {
  const deleted = message.deleted_at !== null;
  const name = fullName(message.author);
  return element(
    'li',
    {
      class: ['message', mine && 'mine', deleted && 'gone'].filter(Boolean).join(' '),
      tabIndex: -1,
      data: { id: String(message.id), seq: String(message.seq) },
    },
    element(
      'div',
      { class: mine ? 'who unseen' : 'who' },
      element('bdi', { title: mine ? null : name }, mine ? gettext('You') : name),
      message.author.role === 'agent' && !mine ? element('span', { class: 'badge' }, gettext('Team')) : null,
    ),
    element(
      'div',
      { class: 'bubble', dir: 'auto' },
      ...(deleted ? [gettext('This message was deleted.')] : [quote, ...formatText(message.text), files]),
    ),
    deleted ? null : reactions,
    element(
      'div',
      { class: 'meta' },
      element(
        'time',
        { dateTime: message.created_at, title: formatDateTime(message.created_at) },
        formatTime(message.created_at),
      ),
      message.edited_at && !deleted
        ? element('span', { title: formatDateTime(message.edited_at) }, gettext('edited'))
        : null,
      element('span', { class: 'seen' }),
      deleted || tools.length === 0 ? null : element('span', { class: 'tools' }, ...tools),
    ),
  );
}

/** A button of a message. */
export function messageButton(label, action, listener) {
  return element(
    'button',
    { type: 'button', class: 'tool', tabIndex: -1, data: { action }, on: { click: listener } },
    label,
  );
}
