// A visitor's way into a chat: password, name and address, code, conversation; and back again later.

import { Api, ApiError, OfflineError } from '../../chatapi/api/client.js';
import { keep, kept } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { converse } from './chat.js';
import { askCode, askPassword, askPerson, tell } from './steps.js';

const anybody = new Api();
const ANEW = Symbol('another chat, please');

const keyOf = (chatId) => `chatapi:chat:${chatId}`;

/** What this browser knows of its place in a chat: token, password, email, first_name, last_name. */
export const known = (chatId) => kept(keyOf(chatId)) ?? {};

export function remember(chatId, facts) {
  keep(keyOf(chatId), { ...known(chatId), ...facts });
}

/**
 * Lead a visitor into a chat, whatever it takes, for as long as the page is open; where another chat can
 * be started (`anew`), until that is what they want.
 */
export async function visit(root, { chatId, onUnread, anew = false }) {
  const others = anew ? [{ label: gettext('Start a new chat'), answer: ANEW }] : [];
  let problem = null;
  for (;;) {
    const mine = known(chatId);
    if (mine.token) {
      const end = await enter(root, chatId, mine.token, { onUnread, anew });
      if (end === ANEW) return;
      if (end === 'left') {
        keep(keyOf(chatId), { password: mine.password });
        const next = await tell(root, {
          title: gettext('You have left the chat'),
          text: gettext('You can come back with a new code.'),
          submit: gettext('Join again'),
          others,
        });
        if (next === ANEW) return;
      } else if (end === 'ended') {
        remember(chatId, { token: null });
        await tell(root, {
          title: gettext('Please show again who you are'),
          text: gettext('Your access to this chat has ended. With a new code by e-mail you are back in.'),
          submit: gettext('Continue'),
        });
      }
      continue;
    }
    if (!mine.password) {
      const password = await askPassword(root, { problem, others });
      if (password === ANEW) return;
      remember(chatId, { password });
      problem = null;
      continue;
    }
    problem = await join(root, chatId, mine);
  }
}

/** Ask who it is and for the code. A sentence when the password has to be asked again. */
async function join(root, chatId, { password, first_name, last_name, email }) {
  const path = `/api/chats/${chatId}/users`;
  const joined = await askPerson(root, {
    known: { first_name, last_name, email },
    act: async (person) => {
      remember(chatId, person);
      try {
        return { person, ...(await anybody.post(path, { password, ...person })) };
      } catch (error) {
        if (error instanceof ApiError && error.code === 'wrong_password') return { wrong: true };
        if (error.code !== 'rate_limited' || !codeWaits(chatId, person.email)) throw error;
        // The last code is still valid.
        const { attempt_key } = known(chatId).mailed;
        return { person, attempt_key, code_mailed: true, pause: error.retryAfter ?? 60 };
      }
    },
  });
  if (joined.wrong) {
    remember(chatId, { password: null });
    return gettext('This password is wrong, or there is no such chat.');
  }
  if (joined.token) remember(chatId, { token: joined.token });
  else await prove(root, chatId, { ...joined, password });
  return null;
}

/** Ask for the code that was mailed; what it gives is remembered. */
export async function prove(root, chatId, { person, password, attempt_key, pause = 60 }) {
  // Guesses with the key are counted apart, so that nobody else can use up this browser's.
  const mailed = (key) => remember(chatId, { mailed: { email: person.email, at: Date.now(), attempt_key: key } });
  remember(chatId, person);
  mailed(attempt_key);
  const proved = await askCode(root, {
    email: person.email,
    pause,
    send: (code) =>
      anybody.post(`/api/chats/${chatId}/users/get-token`, {
        email: person.email,
        auth_code: code,
        attempt_key: known(chatId).mailed?.attempt_key ?? '',
      }),
    again: async () => mailed((await anybody.post(`/api/chats/${chatId}/users`, { password, ...person })).attempt_key),
  });
  if (proved) remember(chatId, { token: proved.token, mailed: null });
}

/** Whether a code went to this address minutes ago, from this browser. */
function codeWaits(chatId, email) {
  const { mailed } = known(chatId);
  return mailed?.email === email && Date.now() - mailed.at < 9 * 60_000;
}

/** The conversation, until the visitor has left ('left'), or wants another one (ANEW), or the token is
 *  good no more ('ended'). */
async function enter(root, chatId, token, { onUnread, anew }) {
  const api = new Api({ token });
  for (;;) {
    try {
      // The chat first: what comes after its last_seq comes by the stream.
      const chat = await api.get(`/api/chats/${chatId}`);
      const me = await api.get('/api/chat-user');
      return await converse(root, { api, chat, me, onUnread, anew: anew ? ANEW : null });
    } catch (error) {
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return 'ended';
      if (!(error instanceof ApiError || error instanceof OfflineError)) throw error;
      await tell(root, {
        title: gettext('The chat can’t be reached'),
        text: gettext('There is no connection at the moment. Nothing is lost.'),
        submit: gettext('Try again'),
      });
    }
  }
}
