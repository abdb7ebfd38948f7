// The start of a chat: who one is, what it is about; then as in any chat.

import { Api } from '../../chatapi/api/client.js';
import { bdi, element, find } from '../../chatapi/ui/dom.js';
import { keep, kept } from '../../chatapi/storage/storage.js';
import { trimmed } from '../../chatapi/text/text.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { excess, tooLong } from '../conversation/composer.js';
import { field, personFields, step, values } from '../visitor/steps.js';
import { prove, remember, visit } from '../visitor/visit.js';

const api = new Api();

/**
 * Start a chat with a company, or go on with the one that this browser has there. `onChat(id)` is told
 * which chat it is.
 */
export async function start(root, { company, name, notice, onChat, onUnread }) {
  const key = `chatapi:started:${company}`;
  for (;;) {
    let chatId = kept(key);
    if (chatId === null) {
      const started = await askStart(root, { company, name, notice });
      chatId = started.chat.id;
      const { person, password, attempt_key } = started;
      remember(chatId, { ...person, password, token: started.token ?? null });
      keep(key, chatId);
      onChat(chatId);
      if (!started.token) await prove(root, chatId, { person, password, attempt_key });
    } else {
      onChat(chatId);
    }
    await visit(root, { chatId, onUnread, anew: true });
    keep(key, null);
  }
}

function askStart(root, { company, name, notice }) {
  const fields = personFields();
  const draftKey = `chatapi:start:${company}`;
  const message = field(gettext('How can we help?'), {
    rows: 4,
    dir: 'auto',
    value: kept(draftKey) ?? '',
    on: { input: (event) => keep(draftKey, event.target.value || null) },
  });
  // The same start again, after an answer that was lost, is the same chat.
  let attempt = { sent: null, key: null };
  return step(root, {
    title: gettext('Start a chat'),
    content: [
      element('p', { class: 'lead', title: name }, bdi(name)),
      notice ? element('p', { class: 'notice warning', dir: 'auto' }, notice) : null,
      ...Object.values(fields).map((each) => each.node),
      message.node,
    ].filter(Boolean),
    submit: gettext('Start'),
    fields: { ...fields, message },
    act: async () => {
      const person = values(fields);
      const text = trimmed(message.input.value);
      const over = excess(text);
      if (over > 0) throw Object.assign(new Error('too long'), { errors: { message: [tooLong(over)] } });
      const body = { ...person, message: text };
      const sent = JSON.stringify(body);
      if (attempt.sent !== sent) attempt = { sent, key: [...crypto.getRandomValues(new Uint32Array(4))].join('-') };
      const started = await api.post(`/api/companies/${encodeURIComponent(company)}/start-chat`, body, { key: attempt.key });
      keep(draftKey, null);
      return { ...started, person };
    },
  });
}

/** The page /start/{slug}. */
export function startPage() {
  const root = find('#visitor');
  return start(root, {
    company: root.dataset.company,
    name: root.dataset.name,
    notice: root.dataset.notice,
    onChat: (id) => history.replaceState(null, '', `/chats/${id}`),
  });
}
