// One message as it is shown.

import { bdi, element } from '../../chatapi/ui/dom.js';
import { hour, moment } from '../../chatapi/text/times.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { linked } from './links.js';

/** The full name of an author or chat user. */
export function nameOf(person) {
  return `${person.first_name} ${person.last_name}`.trim() || gettext('Nameless');
}

/**
 * The element of a message. `mine` says whether the reader wrote it, `tools` are the buttons that go
 * with it (elements).
 */
export function messageElement(message, { mine, tools = [] }) {
  const deleted = message.deleted_at !== null;
  const name = nameOf(message.author);
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
      ...(deleted ? [gettext('This message was deleted.')] : linked(message.text)),
    ),
    element(
      'div',
      { class: 'meta' },
      element('time', { dateTime: message.created_at, title: moment(message.created_at) }, hour(message.created_at)),
      message.edited_at && !deleted
        ? element('span', { title: moment(message.edited_at) }, gettext('edited'))
        : null,
      element('span', { class: 'seen' }),
      deleted || tools.length === 0 ? null : element('span', { class: 'tools' }, ...tools),
    ),
  );
}

/** A button that goes with a message. */
export function tool(label, action, listener) {
  return element('button', { type: 'button', class: 'tool', tabIndex: -1, data: { action }, on: { click: listener } }, label);
}
