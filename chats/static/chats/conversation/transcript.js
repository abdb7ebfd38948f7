// The dialog in which a reader saves the transcript of a chat, or has it mailed.

import { OfflineError } from '../../chatapi/api/client.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { describeError } from './errors.js';

/**
 * @param {object} options
 * @param {import('../../chatapi/api/client.js').Api} options.api
 * @param {any} options.chat
 * @param {string} [options.email] the reader's address, if they read as a member, because the server can't know it from the token
 * @param {boolean} options.canMail whether the reader's address is verified
 */
export function openTranscript({ api, chat, email, canMail }) {
  const path = `/api/chats/${chat.id}/transcript`;
  const notice = element('p', { class: 'small', role: 'status' });
  const buttons = [
    button(gettext('Download to print'), () => download('html')),
    button(gettext('Download as text'), () => download('txt', 'text')),
    button(gettext('Download as proof (JSON)'), () => download('json')),
    canMail ? button(gettext('Email it to me'), mail) : null,
  ].filter((each) => each !== null);
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'transcript-title', on: { close: () => dialog.remove() } },
    element('h2', { id: 'transcript-title' }, gettext('Transcript')),
    element('p', {}, email ? forMembers() : forChatUsers()),
    element('div', { class: 'stack' }, ...buttons),
    notice,
    element(
      'form',
      { method: 'dialog', class: 'actions' },
      element('button', { class: 'button secondary' }, gettext('Close')),
    ),
  );

  function forMembers() {
    return gettext('Everything that was said in this chat, except for deleted messages.');
  }

  function forChatUsers() {
    return gettext(
      'What was said in this chat, except for deleted messages and for the earlier texts of edited messages.',
    );
  }

  function button(label, act) {
    return element('button', { class: 'button secondary', type: 'button', on: { click: () => attempt(act) } }, label);
  }

  async function attempt(act) {
    notice.textContent = gettext('One moment…');
    for (const each of buttons) each.disabled = true;
    try {
      notice.textContent = await act();
    } catch (error) {
      notice.textContent = describeError(error);
    }
    for (const each of buttons) each.disabled = false;
  }

  async function download(extension, format = extension) {
    const url = URL.createObjectURL(await fetchTranscript(format));
    element('a', { href: url, download: `transcript-${chat.id}.${extension}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser may ask where to save it first
    return gettext('Downloaded.');
  }

  /** Without the time limit of other requests, because a long chat takes a while. */
  async function fetchTranscript(format) {
    let response;
    try {
      response = await fetch(`${path}?format=${format}`, {
        headers: api.headers,
        credentials: 'omit',
        cache: 'no-store',
      });
      if (response.ok) return await response.blob();
    } catch (error) {
      throw new OfflineError(error.message);
    }
    const content = await response.json().catch(() => ({}));
    throw api.errorOf(response.status, content, response.headers.get('Retry-After'));
  }

  async function mail() {
    await api.post(path, email ? { email } : {});
    return gettext('The transcript is on its way to you.');
  }

  document.body.append(dialog);
  dialog.showModal();
}
