// Error messages of the pages. An error code without one falls back to the API's message.

import { ApiError } from '../../chatapi/api/client.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';

const SENTENCES = {
  wrong_password: gettext('This password is wrong, or there is no such chat.'),
  invalid_auth_code: gettext('This code is wrong, or it was used or has expired. Have a new one sent.'),
  banned: gettext('This address was banned from the chat.'),
  chat_closed: gettext('The chat is closed.'),
  edit_window_over: gettext('It is too late to edit this message.'),
  message_deleted: gettext('This message was deleted.'),
  not_found: gettext('There is no such thing any more.'),
  permission_denied: gettext('You may not do this.'),
  join_first: gettext('Join the chat first.'),
  server_error: gettext('Something went wrong. Please try again.'),
};

/**
 * A sentence that explains an error of `Api` to the reader.
 *
 * @param {any} error
 * @returns {string}
 */
export function describeError(error) {
  if (!(error instanceof ApiError)) return gettext('There is no connection. Please try again.');
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
