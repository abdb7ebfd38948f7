// Starts a chat with a company: name, address and first message. After that it is a chat like any other.

import { Api } from '../../chatapi/api/client.js';
import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { trim } from '../../chatapi/text/text.js';
import { bdi, element, find } from '../../chatapi/ui/dom.js';
import { excess, tooLong } from '../conversation/composer.js';
import { field, personFields, step, values } from '../visitor/steps.js';
import { updateVisitor, verify, visit } from '../visitor/visit.js';

const api = new Api();

/**
 * Start a chat with a company, or continue the one that this browser has there.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {string} options.company its slug
 * @param {string} options.name
 * @param {string} options.notice a text above the form
 * @param {(id: number) => void} options.onChat gets the chat's id
 * @param {(count: number) => void} [options.onUnread]
 */
export async function start(root, { company, name, notice, onChat, onUnread }) {
  const key = `chatapi:started:${company}`;
  for (;;) {
    let chatId = getStored(key);
    if (chatId === null) {
      const started = await askStart(root, { company, name, notice });
      chatId = started.chat.id;
      const { person, password, attempt_key } = started;
      updateVisitor(chatId, { ...person, password, token: started.token ?? null });
      setStored(key, chatId);
      onChat(chatId);
      if (!started.token) await verify(root, chatId, { person, password, attempt_key });
    } else {
      onChat(chatId);
    }
    await visit(root, { chatId, onUnread, canStartNew: true });
    setStored(key, null);
  }
}

function askStart(root, { company, name, notice }) {
  const fields = personFields();
  const draftKey = `chatapi:start:${company}`;
  const message = field(gettext('How can we help?'), {
    rows: 4,
    dir: 'auto',
    value: getStored(draftKey) ?? '',
    on: { input: () => setStored(draftKey, message.input.value || null) },
  });
  // Repeating the request after a lost response must not start a second chat.
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
      const text = trim(message.input.value);
      const over = excess(text);
      if (over > 0) throw Object.assign(new Error('too long'), { errors: { message: [tooLong(over)] } });
      const body = { ...person, message: text };
      const sent = JSON.stringify(body);
      if (attempt.sent !== sent) attempt = { sent, key: [...crypto.getRandomValues(new Uint32Array(4))].join('-') };
      const started = await api.post(`/api/companies/${encodeURIComponent(company)}/start-chat`, body, {
        key: attempt.key,
      });
      setStored(draftKey, null);
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
