// An open chat of the inbox. A member can read it; an agent who has joined can answer.

import { Api, ApiError } from '../../chatapi/api/client.js';
import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { confirmAction } from '../../chatapi/ui/dialog.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { renderAttachments } from '../conversation/attachments.js';
import { ChatLog } from '../conversation/chat-log.js';
import { openConversation } from '../conversation/conversation.js';
import { describeError } from '../conversation/errors.js';
import { fullName, renderMessage } from '../conversation/message.js';
import { People } from '../conversation/people.js';
import { renderQuote } from '../conversation/quotes.js';
import { isReactedBy, messageOf, renderReactions } from '../conversation/reactions.js';
import { Timeline } from '../conversation/timeline.js';
import { titleOf } from './list.js';
import { Members, suggestMembers } from './mentions.js';
import { ChatNotes } from './notes.js';

const MEMBERS_TIMEOUT = 3_000; // milliseconds for which a message waits for the members whom it may mention

export class InboxChat {
  /**
   * The inbox's stream reports to `handleEvent`, `handleEphemeral` and `handleState`.
   *
   * @param {HTMLElement} root
   * @param {object} options
   * @param {Api} options.api
   * @param {any} options.user the response of GET /api/user
   * @param {any} options.chat
   * @param {import('../../chatapi/stream/follow.js').State} options.state of the inbox's stream
   * @param {(count: number) => void} options.onUnread
   * @param {(me: any) => void} options.onJoined gets the agent's chat user
   * @param {() => void} options.onBack called when the agent returns to the list, on a phone
   */
  constructor(root, { api, user, chat, state, onUnread, onJoined, onBack }) {
    this.api = api;
    this.chat = chat;
    this.state = state;
    this.onUnread = onUnread;
    this.onJoined = onJoined;
    this.path = `/api/chats/${chat.id}`;
    this.email = user.email;
    this.company = user.companies.find((each) => each.id === chat.company_id);
    this.tokenKey = `chatapi:agent:${user.id}:${chat.id}`;
    /** @type {Map<number, {id: number, online: boolean}>} by chat user id */
    this.presence = new Map();
    this.events = new EventTarget(); // stands in for a conversation until the agent joins
    /** @type {Omit<import('../conversation/conversation.js').ChatCallbacks, 'signal'> | null} */
    this.callbacks = null; // set by `connect`
    this.conversation = null;
    /** @type {Timeline | null} */
    this.timeline = null; // until the agent joins
    /** @type {AbortController | null} */
    this.reading = null; // the same
    this.pane = null; // the same
    /** @type {Map<number, string>} by chat user id */
    this.names = new Map(); // the same
    /** @type {People | null} */
    this.people = null;
    this.joining = null; // request
    this.ending = false;
    this.closed = false;
    this.title = element('h1', { tabIndex: -1 });
    this.toggle = button(gettext('Close chat'), () => this.setStatus());
    this.peopleToggle = button(gettext('People'), () => this.showPeople(!this.peopleShown));
    this.peopleToggle.classList.add('people-toggle');
    this.notice = element('p', { class: 'small said', role: 'status' });
    this.members = new Members(api, chat.company_id);
    /** @type {number[]} */
    this.chosen = []; // members whom the agent has chosen in messages
    this.notes = new ChatNotes({
      api,
      chat,
      user,
      company: this.company,
      members: this.members,
      notify: (text) => this.notify(text),
      onFormClosed: () => this.focus(),
    });
    this.body = element('div', { class: 'chat-body' });
    this.node = element(
      'section',
      { class: 'chat', 'aria-label': gettext('Open chat') },
      element(
        'header',
        { class: 'chat-header' },
        element(
          'button',
          { class: 'button secondary small back', type: 'button', on: { click: onBack } },
          gettext('Back'),
        ),
        element(
          'div',
          { class: 'chat-title' },
          this.title,
          element('p', { class: 'quiet small', title: this.company?.name }, bdi(this.company?.name ?? '')),
        ),
        element(
          'div',
          { class: 'actions' },
          button(gettext('Note'), () => this.writeNote()),
          button(gettext('Saved replies'), () => this.insertReply()),
          ['owner', 'manager'].includes(this.company?.role)
            ? button(gettext('New password'), () => this.rotatePassword())
            : null,
          this.toggle,
          this.peopleToggle,
        ),
      ),
      this.notice,
      this.notes.node,
      this.body,
    );
    root.append(this.node);
    this.update();
  }

  async open() {
    this.notes.load();
    const { chat_user_id: id } = this.chat;
    const me = id && (await this.api.get(`${this.path}/users/${id}`));
    if (this.closed) return;
    if (me?.role === 'agent' && me.status === 'active') await this.join();
    else await this.read();
  }

  close() {
    this.closed = true;
    this.notes.close();
    this.conversation?.close();
    this.leaveReading();
    this.people?.close();
    this.node.remove();
  }

  // --- Reading, as a member who has not joined ---

  async read() {
    const joinBar = element(
      'p',
      { class: 'join' },
      gettext('You haven’t joined this chat. Join to reply.'),
      ' ',
      element(
        'button',
        { class: 'button', type: 'button', on: { click: () => this.handleJoin() } },
        gettext('Join the chat'),
      ),
    );
    const pane = element('section', { class: 'conversation', 'aria-label': gettext('Conversation') });
    this.pane = pane;
    this.body.append(pane);
    this.timeline = new Timeline({
      api: this.api,
      chatId: this.chat.id,
      root: pane,
      render: (message) => this.render(message),
      onNewestVisible: () => {},
      onScroll: () => {},
    });
    pane.append(joinBar);
    const users = await this.api.get(`${this.path}/users?per_page=249`);
    for (const user of users.data) this.names.set(user.id, fullName(user));
    if (this.closed || !this.timeline) return;
    await this.timeline.open({ isMine: () => false });
    if (this.closed || !this.timeline) return;
    this.notes.showIn(this.timeline);
    this.openPeople(this.events, { id: 0 }); // no chat user
    this.reading = new AbortController();
    const log = new ChatLog({
      api: this.api,
      path: this.path,
      after: this.chat.last_seq, // the chat was fetched before the messages
      onEvent: (event) => this.handleWhileReading(event),
      signal: this.reading.signal,
    });
    this.connect({
      onEvent: (event) => log.add(event),
      onEphemeral: (event) => this.handleWhileReading(event),
      signal: this.reading.signal,
    });
    log.catchUp();
  }

  render(message) {
    const { reply_to: quote } = message;
    return renderMessage(message, {
      mine: false,
      quote: quote && renderQuote(quote, { mine: false, onOpen: () => this.goTo(quote) }),
      reactions: renderReactions(message, { nameOf: (id) => this.names.get(id) ?? gettext('Someone') }),
      files: renderAttachments(message.attachments, (id) => this.api.get(`${this.path}/attachments/${id}`)),
    });
  }

  /**
   * Go to a message or a note of the chat, which must be open.
   *
   * @param {{id: number, seq: number, member_seq?: number}} message
   */
  goTo(message) {
    if (message.member_seq) this.notes.goTo(message).catch((error) => this.notify(describeError(error)));
    else if (this.conversation) this.conversation.goTo(message);
    else this.timeline?.goTo(message).catch((error) => this.notify(describeError(error)));
  }

  handleWhileReading({ type, data }) {
    if (type === 'message.created') this.timeline.add(data);
    else if (/^(message|attachment)\./.test(type)) this.timeline.replace(data);
    else if (type.startsWith('reaction.')) this.timeline.replace(messageOf(data));
    else if (type === 'presence') this.emit('presence', data.users);
    else if (type.startsWith('user.')) {
      this.names.set(data.id, fullName(data));
      this.timeline.refresh((message) => isReactedBy(message, data.id));
      this.emit('user', data);
    } else if (type.startsWith('chat.')) {
      Object.assign(this.chat, data);
      this.update();
      this.emit('chat', data);
    }
  }

  emit(type, detail) {
    this.events.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- Events of this chat, from the inbox's stream ---

  /**
   * Deliver the events of this chat to callbacks until `signal` aborts. Earlier events are in the log.
   *
   * @param {import('../conversation/conversation.js').ChatCallbacks} callbacks
   */
  connect({ onEvent, onEphemeral, onState, signal }) {
    this.callbacks = { onEvent, onEphemeral, onState };
    signal.addEventListener('abort', () => {
      this.callbacks = null;
    });
    onState?.(this.state);
  }

  handleEvent(event) {
    if (event.type.startsWith('note.')) this.notes.handleEvent(event);
    else if (!event.member_seq) this.callbacks?.onEvent(event);
  }

  handleEphemeral(event) {
    if (event.type === 'presence') {
      // The stream reports presence once, possibly before there is anything to show it.
      for (const each of event.data.users) this.presence.set(each.id, each);
    }
    this.callbacks?.onEphemeral(event);
  }

  handleState(state) {
    this.state = state;
    if (state === 'connected') this.notes.load(); // unless they are loaded
    this.callbacks?.onState?.(state);
  }

  // --- Answering ---

  /** Join by the button, which may be pressed more than once. */
  handleJoin() {
    this.joining ??= this.join()
      .catch((error) => this.notify(describeError(error)))
      .finally(() => {
        this.joining = null;
      });
  }

  /** Join, unless this browser already has a token, and open the conversation. */
  async join() {
    const token = getStored(this.tokenKey) ?? (await this.requestToken());
    const api = new Api({ token, onUnauthorized: () => this.conversation && this.handleEnd() });
    let chat;
    let me;
    try {
      chat = await api.get(this.path);
      me = await api.get('/api/chat-user');
    } catch (error) {
      if (!(error instanceof ApiError) || ![401, 403].includes(error.status)) throw error;
      setStored(this.tokenKey, null);
      return this.join();
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
      mentionsIn: (text) => this.members.mentionedIn(text, this.chosen),
      findMentions: (text) => this.findMentions(text),
      onUnread: (count) => this.onUnread(count),
      onEnded: () => this.handleEnd(),
    });
    if (this.closed) return this.conversation.close();
    this.notes.showIn(this.conversation.timeline);
    this.openPeople(this.conversation, me);
    this.conversation.addEventListener('chat', (event) => {
      Object.assign(this.chat, /** @type {CustomEvent} */ (event).detail);
      this.update();
    });
    const { composer } = this.conversation;
    suggestMembers(composer.field, composer.form, this.members, (id) => this.chosen.push(id));
    composer.field.addEventListener('keydown', (event) => {
      if (event.key !== '/' || composer.field.value) return;
      event.preventDefault();
      this.insertReply();
    });
    this.conversation.focus();
    return undefined;
  }

  /** The members whom a message mentions; none if they cannot be loaded soon, as the message must not wait long. */
  async findMentions(text) {
    const timeout = new Promise((resolve) => setTimeout(resolve, MEMBERS_TIMEOUT));
    await Promise.race([this.members.load().catch(() => {}), timeout]);
    return this.members.mentionedIn(text, this.chosen) ?? [];
  }

  async requestToken() {
    const { token } = await this.api.post(`${this.path}/users`);
    setStored(this.tokenKey, token);
    return token;
  }

  leaveReading() {
    this.reading?.abort();
    this.timeline?.close();
    this.timeline = null;
    this.people?.close();
    this.pane?.remove();
  }

  /** The agent's token is no longer valid: they left, were removed, or joined in another browser. */
  handleEnd() {
    if (this.ending) return; // the stream reports it as well as the agent's own request
    this.ending = true;
    setStored(this.tokenKey, null);
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
      .catch((error) => this.notify(describeError(error)))
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
      actionsFor: (user) => this.actionsFor(user),
      email: this.email,
      onLeave: me.id ? () => this.handleEnd() : null,
    });
    source.dispatchEvent(new CustomEvent('presence', { detail: [...this.presence.values()] }));
  }

  /** @returns {import('../conversation/people.js').Action[]} */
  actionsFor(user) {
    if (user.role !== 'guest') return [];
    const path = `${this.path}/users/${user.id}`;
    if (user.status === 'banned')
      return [{ label: gettext('Lift the ban'), act: () => this.api.put(path, { status: 'removed' }) }];
    if (user.status !== 'active') return [];
    return [
      {
        label: gettext('Remove'),
        question: gettext('Remove this guest? They can rejoin with the link and a new code.'),
        act: () => this.api.delete(path),
      },
      {
        label: gettext('Ban'),
        question: gettext('Ban this guest? They won’t be able to rejoin with this address.'),
        act: () => this.api.put(path, { status: 'banned' }),
      },
    ];
  }

  // --- Actions ---

  async writeNote() {
    this.node.setAttribute('aria-busy', 'true'); // keys are no shortcuts while the form is being loaded
    await this.attempt(() => this.notes.write());
    this.node.removeAttribute('aria-busy');
  }

  async setStatus() {
    const status = this.chat.status === 'open' ? 'closed' : 'open';
    await this.attempt(async () => {
      const chat = await this.api.put(this.path, { status });
      Object.assign(this.chat, { status: chat.status });
      this.update();
    });
  }

  async rotatePassword() {
    const question = gettext('Create a new password? Links shared so far will stop working.');
    if (!(await confirmAction(question, gettext('New password')))) return;
    await this.attempt(async () => {
      const { url } = await this.api.post(`${this.path}/share`, { rotate: true });
      this.showPeople(true);
      await this.people?.offerLink(url);
      this.notify(gettext('The chat has a new password.'));
    });
  }

  async insertReply() {
    if (!this.conversation) {
      this.notify(gettext('Join the chat first.'));
      return;
    }
    await this.attempt(async () => {
      const { chooseReply } = await import('./replies.js');
      const text = await chooseReply(this.api, this.company.id, (error) => this.notify(describeError(error)));
      if (text) this.conversation?.insert(text);
      else this.conversation?.focus();
    });
  }

  focus() {
    /** @type {HTMLElement | null} */
    const joinButton = this.node.querySelector('.join button');
    if (this.conversation) this.conversation.focus();
    else joinButton?.focus();
  }

  async attempt(act) {
    this.notify('');
    try {
      await act();
    } catch (error) {
      this.notify(describeError(error));
    }
  }

  notify(text) {
    this.notice.textContent = text;
  }

  update() {
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
