// Error messages of the pages. An error code without one falls back to the API's message.

import { ApiError } from '../../chatapi/api/client.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';

const SENTENCES = {
  wrong_password: gettext('Wrong password, or this chat does not exist.'),
  invalid_auth_code: gettext('This code is wrong, already used or expired. Request a new one.'),
  banned: gettext('This address is banned from the chat.'),
  chat_closed: gettext('This chat is closed.'),
  edit_window_over: gettext('This message can no longer be edited.'),
  message_deleted: gettext('This message was deleted.'),
  not_found: gettext('This no longer exists.'),
  permission_denied: gettext('You are not allowed to do this.'),
  join_first: gettext('Join the chat first.'),
  file_too_large: gettext('This file is too large.'),
  file_type: gettext('Files of this type are not allowed.'),
  quota_exceeded: gettext('There is no more room for files. Ask the company to make some.'),
  storage_down: gettext('Files cannot be stored right now. Please try again later.'),
  attachment_unknown: gettext('A file of this message no longer exists. Attach it again.'),
  server_error: gettext('Something went wrong. Please try again.'),
};

/**
 * A sentence that explains an error of `Api` to the reader.
 *
 * @param {any} error
 * @returns {string}
 */
export function describeError(error) {
  if (!(error instanceof ApiError)) return gettext('No connection. Please try again.');
  if (error.code === 'rate_limited') {
    const seconds = error.retryAfter ?? 60;
    const minutes = Math.ceil(seconds / 60);
    const text =
      seconds < 90
        ? ngettext(
            'Too many attempts. Try again in %(n)s second.',
            'Too many attempts. Try again in %(n)s seconds.',
            seconds,
          )
        : ngettext(
            'Too many attempts. Try again in %(n)s minute.',
            'Too many attempts. Try again in %(n)s minutes.',
            minutes,
          );
    return interpolate(text, { n: seconds < 90 ? seconds : minutes });
  }
  const details = Object.values(error.errors).flat();
  return SENTENCES[error.code] ?? (details.length ? details.join(' ') : error.message);
}
