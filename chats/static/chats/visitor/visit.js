// Leads a visitor into a chat: password, name and address, code, conversation. A returning visitor skips what the
// browser remembers.

import { Api, ApiError, OfflineError } from '../../chatapi/api/client.js';
import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { showChat } from './chat.js';
import { askCode, askPassword, askPerson, showNotice } from './steps.js';

const anonymousApi = new Api();
const CODE_LIFETIME = 9 * 60_000; // milliseconds; the server's default is a minute longer
const NEW_CHAT = Symbol('new chat');

const storageKey = (chatId) => `chatapi:chat:${chatId}`;

/** What the browser remembers of a visitor of a chat: token, password, email, first_name, last_name, mailed. */
export const getVisitor = (chatId) => getStored(storageKey(chatId)) ?? {};

export function updateVisitor(chatId, changes) {
  setStored(storageKey(chatId), { ...getVisitor(chatId), ...changes });
}

/**
 * Lead a visitor into a chat, and back into it whenever it ends.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {number} options.chatId
 * @param {(count: number) => void} [options.onUnread]
 * @param {boolean} [options.canStartNew] whether the visitor may start another chat
 * @returns {Promise<void>} resolves when the visitor asks for another chat
 */
export async function visit(root, { chatId, onUnread, canStartNew = false }) {
  const alternatives = canStartNew ? [{ label: gettext('Start a new chat'), answer: NEW_CHAT }] : [];
  let error = null;
  for (;;) {
    const visitor = getVisitor(chatId);
    if (visitor.token) {
      const end = await enterChat(root, chatId, visitor.token, { onUnread, canStartNew });
      if (end === NEW_CHAT) return;
      if (end === 'left') {
        setStored(storageKey(chatId), { password: visitor.password });
        const next = await showNotice(root, {
          title: gettext('You left the chat'),
          text: gettext('To rejoin, request a new code.'),
          submit: gettext('Rejoin'),
          alternatives,
        });
        if (next === NEW_CHAT) return;
      } else if (end === 'ended') {
        updateVisitor(chatId, { token: null });
        await showNotice(root, {
          title: gettext('Confirm your identity again'),
          text: gettext('Your access to this chat has ended. To return, request a new code by email.'),
          submit: gettext('Continue'),
        });
      }
      continue;
    }
    if (!visitor.password) {
      const password = await askPassword(root, { error, alternatives });
      if (password === NEW_CHAT) return;
      updateVisitor(chatId, { password });
      error = null;
      continue;
    }
    error = await join(root, chatId, visitor);
  }
}

/** Ask for name, address and code. Returns an error message if the password was wrong, and null otherwise. */
async function join(root, chatId, { password, first_name, last_name, email }) {
  const path = `/api/chats/${chatId}/users`;
  const joined = await askPerson(root, {
    known: { first_name, last_name, email },
    act: async (person) => {
      updateVisitor(chatId, person);
      try {
        return { person, ...(await anonymousApi.post(path, { password, ...person })) };
      } catch (error) {
        if (error instanceof ApiError && error.code === 'wrong_password') return { wrong: true };
        if (error.code !== 'rate_limited' || !hasRecentCode(chatId, person.email)) throw error;
        // The code that was mailed last is still valid.
        const { attempt_key } = getVisitor(chatId).mailed;
        return { person, attempt_key, code_mailed: true, wait: error.retryAfter ?? 60 };
      }
    },
  });
  if (joined.wrong) {
    updateVisitor(chatId, { password: null });
    return gettext('Wrong password, or this chat does not exist.');
  }
  if (joined.token) updateVisitor(chatId, { token: joined.token });
  else await verify(root, chatId, { ...joined, password });
  return null;
}

/** Ask for the code that was mailed, and store the token that it yields. */
export async function verify(root, chatId, { person, password, attempt_key, wait = 60 }) {
  // The server counts this browser's attempts by the key, so that nobody else can use them up.
  const setMailed = (key) =>
    updateVisitor(chatId, { mailed: { email: person.email, at: Date.now(), attempt_key: key } });
  updateVisitor(chatId, person);
  setMailed(attempt_key);
  const verified = await askCode(root, {
    email: person.email,
    wait,
    verify: (code) =>
      anonymousApi.post(`/api/chats/${chatId}/users/get-token`, {
        email: person.email,
        auth_code: code,
        attempt_key: getVisitor(chatId).mailed?.attempt_key ?? '',
      }),
    resend: async () =>
      setMailed((await anonymousApi.post(`/api/chats/${chatId}/users`, { password, ...person })).attempt_key),
  });
  if (verified) updateVisitor(chatId, { token: verified.token, mailed: null });
}

/** Return whether this browser had a code mailed to this address that is still valid. */
function hasRecentCode(chatId, email) {
  const { mailed } = getVisitor(chatId);
  return mailed?.email === email && Date.now() - mailed.at < CODE_LIFETIME;
}

/** Show the chat. Returns 'left', 'ended' when the token is no longer valid, or NEW_CHAT. */
async function enterChat(root, chatId, token, { onUnread, canStartNew }) {
  const api = new Api({ token });
  for (;;) {
    try {
      // Fetch the chat first: the stream delivers everything after its last_seq.
      const chat = await api.get(`/api/chats/${chatId}`);
      const me = await api.get('/api/chat-user');
      return await showChat(root, { api, chat, me, onUnread, newChat: canStartNew ? NEW_CHAT : null });
    } catch (error) {
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return 'ended';
      if (!(error instanceof ApiError || error instanceof OfflineError)) throw error;
      await showNotice(root, {
        title: gettext('Can’t connect to the chat'),
        text: gettext('There is no connection right now. Your messages are safe.'),
        submit: gettext('Try again'),
      });
    }
  }
}
