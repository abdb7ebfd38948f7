// One chat of the inbox: read as a member, answered as an agent who has joined.

import { Api, ApiError } from '../../chatapi/api/client.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { confirmed } from '../../chatapi/ui/dialog.js';
import { keep, kept } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { ChatLog } from '../conversation/chat-log.js';
import { openConversation } from '../conversation/conversation.js';
import { sentence } from '../conversation/errors.js';
import { titleOf } from './list.js';
import { messageElement } from '../conversation/message.js';
import { People } from '../conversation/people.js';
import { chooseReply } from './replies.js';
import { Timeline } from '../conversation/timeline.js';

export class InboxChat {
  /** `user` is the answer of GET /api/user, `chat` a chat of it, `state` that of the inbox's stream, which
   *  tells of this chat by `happened`, `passed` and `connected`. `onUnread(count)`, `onJoined(me)`, `onBack()` for
   *  the way back to the list on a phone. */
  constructor(root, { api, user, chat, state, onUnread, onJoined, onBack }) {
    Object.assign(this, { root, api, user, chat, state, onUnread, onJoined });
    this.path = `/api/chats/${chat.id}`;
    this.company = user.companies.find((each) => each.id === chat.company_id);
    this.tokenKey = `chatapi:agent:${user.id}:${chat.id}`;
    this.present = new Map(); // chat user id → whether they are connected, as the stream said last
    this.told = new EventTarget(); // for the people beside, while nobody has joined
    this.title = element('h1', { tabIndex: -1 });
    this.toggle = button(gettext('Close chat'), () => this.setStatus());
    this.peopleToggle = button(gettext('People'), () => this.showPeople(!this.peopleShown));
    this.peopleToggle.classList.add('people-toggle');
    this.said = element('p', { class: 'small said', role: 'status' });
    this.body = element('div', { class: 'chat-body' });
    this.node = element(
      'section',
      { class: 'chat', 'aria-label': gettext('Open chat') },
      element(
        'header',
        { class: 'chat-header' },
        element('button', { class: 'button secondary small back', type: 'button', on: { click: onBack } }, gettext('Back')),
        element('div', { class: 'chat-title' }, this.title, element('p', { class: 'quiet small', title: this.company?.name }, bdi(this.company?.name ?? ''))),
        element(
          'div',
          { class: 'actions' },
          button(gettext('Saved replies'), () => this.reply()),
          ['owner', 'manager'].includes(this.company?.role) ? button(gettext('New password'), () => this.rotate()) : null,
          this.toggle,
          this.peopleToggle,
        ),
      ),
      this.said,
      this.body,
    );
    root.append(this.node);
    this.show();
  }

  async open() {
    const { chat_user_id: id } = this.chat;
    const me = id && (await this.api.get(`${this.path}/users/${id}`));
    if (this.closed) return;
    if (me?.role === 'agent' && me.status === 'active') await this.converse();
    else await this.read();
  }

  close() {
    this.closed = true;
    this.conversation?.close();
    this.leaveReading();
    this.people?.close();
    this.node.remove();
  }

  // --- Reading, as a member who has not joined ---

  async read() {
    this.joinBar = element(
      'p',
      { class: 'join' },
      gettext('You are reading along. Join to answer.'),
      ' ',
      element('button', { class: 'button', type: 'button', on: { click: () => this.enter() } }, gettext('Join the chat')),
    );
    const pane = element('section', { class: 'conversation', 'aria-label': gettext('Conversation') });
    this.pane = pane;
    this.body.append(pane);
    this.timeline = new Timeline({
      api: this.api,
      chatId: this.chat.id,
      root: pane,
      render: (message) => messageElement(message, { mine: false }),
      onSeen: () => {},
      onMoved: () => {},
    });
    pane.append(this.joinBar);
    await this.timeline.open({ mine: () => false });
    if (this.closed || !this.timeline) return;
    this.openPeople(this.told, { id: 0 });
    this.reading = new AbortController();
    const log = new ChatLog({
      api: this.api,
      path: this.path,
      after: this.chat.last_seq, // asked for before the messages were
      onEvent: (event) => this.readAlong(event),
      signal: this.reading.signal,
    });
    this.connect({ onEvent: (event) => log.take(event), onPassing: (event) => this.readAlong(event), signal: this.reading.signal });
    log.catchUp();
  }

  readAlong({ type, data }) {
    if (type === 'message.created') this.timeline.add(data);
    else if (type.startsWith('message.')) this.timeline.replace(data);
    else if (type === 'presence') this.tell('presence', data.users);
    else if (type.startsWith('user.')) this.tell('user', data);
    else if (type.startsWith('chat.')) {
      Object.assign(this.chat, data);
      this.show();
      this.tell('chat', data);
    }
  }

  tell(type, detail) {
    this.told.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- What the inbox's stream says of this chat ---

  /** Have the events of this chat delivered, until `signal` aborts; those before this call are in the log. */
  connect({ onEvent, onPassing, onState, signal }) {
    this.callbacks = { onEvent, onPassing, onState };
    signal.addEventListener('abort', () => {
      this.callbacks = null;
    });
    onState?.(this.state);
  }

  happened(event) {
    this.callbacks?.onEvent(event);
  }

  passed(event) {
    if (event.type === 'presence') {
      // It is said once who is there, maybe before anybody asks.
      for (const each of event.data.users) this.present.set(each.id, each);
    }
    this.callbacks?.onPassing(event);
  }

  connected(state) {
    this.state = state;
    this.callbacks?.onState?.(state);
  }

  // --- Answering ---

  /** Join by the button, however often it is pressed. */
  enter() {
    this.entering ??= this.converse()
      .catch((error) => this.say(sentence(error)))
      .finally(() => {
        this.entering = null;
      });
  }

  /** Join, or go on with the token that this browser has. */
  async converse() {
    const token = kept(this.tokenKey) ?? (await this.join());
    const api = new Api({ token, onRefused: () => this.conversation && this.ended() });
    let chat;
    let me;
    try {
      chat = await api.get(this.path);
      me = await api.get('/api/chat-user');
    } catch (error) {
      if (!(error instanceof ApiError) || ![401, 403].includes(error.status)) throw error;
      keep(this.tokenKey, null);
      return this.converse();
    }
    if (this.closed) return undefined;
    Object.assign(this.chat, { status: chat.status, name: chat.name, last_seq: chat.last_seq, chat_user_id: me.id });
    this.leaveReading();
    this.onJoined(me);
    this.conversation = await openConversation(this.body, {
      api,
      chat,
      me,
      connect: (callbacks) => this.connect(callbacks),
      onUnread: (count) => this.onUnread(count),
      onEnded: () => this.ended(),
    });
    if (this.closed) return this.conversation.close();
    this.openPeople(this.conversation, me);
    this.conversation.addEventListener('chat', ({ detail }) => {
      Object.assign(this.chat, detail);
      this.show();
    });
    this.conversation.composer.field.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.target.value) return;
      event.preventDefault();
      this.reply();
    });
    this.conversation.focus();
    return undefined;
  }

  async join() {
    const { token } = await this.api.post(`${this.path}/users`);
    keep(this.tokenKey, token);
    return token;
  }

  leaveReading() {
    this.reading?.abort();
    this.timeline?.close();
    this.timeline = null;
    this.people?.close();
    this.pane?.remove();
  }

  /** The agent's token is good no more: left, removed, or joined from another browser. */
  ended() {
    if (this.ending) return; // the stream tells, too, after who left has told
    this.ending = true;
    keep(this.tokenKey, null);
    this.conversation?.close();
    this.conversation = null;
    this.people?.close();
    if (this.closed) return;
    this.api
      .get(this.path)
      .then((chat) => {
        Object.assign(this.chat, chat);
        return this.open();
      })
      .catch((error) => this.say(sentence(error)))
      .finally(() => {
        this.ending = false;
      });
  }

  openPeople(source, me) {
    this.people = new People(this.body, {
      api: this.api,
      conversation: source,
      chat: this.chat,
      me,
      company: this.company,
      tools: (user) => this.toolsFor(user),
      onLeave: me.id ? () => this.ended() : null,
    });
    const users = [...this.present.values()];
    source.dispatchEvent(new CustomEvent('presence', { detail: users }));
  }

  toolsFor(user) {
    if (user.role !== 'guest') return [];
    const path = `${this.path}/users/${user.id}`;
    if (user.status === 'banned') return [{ label: gettext('Lift the ban'), act: () => this.api.put(path, { status: 'removed' }) }];
    if (user.status !== 'active') return [];
    return [
      { label: gettext('Remove'), question: gettext('Remove this guest? They can come back with the link and a new code.'), act: () => this.api.delete(path) },
      { label: gettext('Ban'), question: gettext('Ban this guest? They can’t come back with this address.'), act: () => this.api.put(path, { status: 'banned' }) },
    ];
  }

  // --- What one can do with the chat ---

  async setStatus() {
    const status = this.chat.status === 'open' ? 'closed' : 'open';
    await this.attempt(async () => {
      const chat = await this.api.put(this.path, { status });
      Object.assign(this.chat, { status: chat.status });
      this.show();
    });
  }

  async rotate() {
    const question = gettext('Make a new password? The links that were shared so far are good no more.');
    if (!(await confirmed(question, gettext('New password')))) return;
    await this.attempt(async () => {
      const { url } = await this.api.post(`${this.path}/share`, { rotate: true });
      this.showPeople(true);
      await this.people?.offer(url);
      this.say(gettext('The chat has a new password.'));
    });
  }

  async reply() {
    if (!this.conversation) {
      this.say(gettext('Join the chat first.'));
      return;
    }
    const text = await chooseReply(this.api, this.company.id, (error) => this.say(sentence(error)));
    if (text) this.conversation.insert(text);
    else this.conversation.focus();
  }

  focus() {
    if (this.conversation) this.conversation.focus();
    else this.node.querySelector('.join button')?.focus();
  }

  async attempt(act) {
    this.say('');
    try {
      await act();
    } catch (error) {
      this.say(sentence(error));
    }
  }

  say(text) {
    this.said.textContent = text;
  }

  show() {
    this.title.title = titleOf(this.chat);
    this.title.replaceChildren(bdi(titleOf(this.chat)));
    this.toggle.textContent = this.chat.status === 'open' ? gettext('Close chat') : gettext('Reopen');
  }

  get peopleShown() {
    return this.body.classList.contains('with-people');
  }

  showPeople(shown) {
    this.body.classList.toggle('with-people', shown);
    this.peopleToggle.setAttribute('aria-expanded', String(shown));
  }
}

function button(label, listener) {
  return element('button', { class: 'button secondary small', type: 'button', on: { click: listener } }, label);
}
