// A conversation, for a guest or an agent with a chat-user token.

import { SharedStream } from '../../chatapi/stream/shared.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { shorten } from '../../chatapi/text/text.js';
import { confirmAction } from '../../chatapi/ui/dialog.js';
import { element } from '../../chatapi/ui/dom.js';
import { isVisible, onVisibilityChange } from '../../chatapi/ui/visibility.js';
import { renderAttachments } from './attachments.js';
import { ChatLog } from './chat-log.js';
import { Composer } from './composer.js';
import { describeError } from './errors.js';
import { filesOf, summaryOf } from './files.js';
import { fullName, messageButton, renderMessage } from './message.js';
import { Outbox } from './outbox.js';
import { Palette } from './palette.js';
import { renderPending } from './pending.js';
import { quoteOf, renderQuote } from './quotes.js';
import { hasReacted, isReactedBy, messageOf, renderReactions } from './reactions.js';
import { Timeline } from './timeline.js';
import { TypingNote } from './typing.js';
import { Unread } from './unread.js';

/** @type {Record<string, string>} notices to announce, by type of event */
const NOTICES = JSON.parse(document.getElementById('announced-events')?.textContent ?? '{}');
/** @type {Map<number, import('./uploads.js').Uploads>} files of drafts, by chat user id; kept while the page is open */
const drafts = new Map();
const READ_DELAY = 500; // milliseconds; one request reports a burst of read messages

/**
 * What a source of the chat's events calls, until `signal` aborts.
 *
 * @typedef {object} ChatCallbacks
 * @property {(event: any) => void} onEvent
 * @property {(event: any) => void} onEphemeral
 * @property {(state: import('../../chatapi/stream/follow.js').State) => void} [onState]
 * @property {(reason: import('../../chatapi/stream/follow.js').EndReason) => void} [onEnd]
 * @property {AbortSignal} signal
 *
 * @typedef {object} Options
 * @property {import('../../chatapi/api/client.js').Api} api has a chat-user token
 * @property {any} chat the response of GET /api/chats/{id}
 * @property {any} me the reader's chat user
 * @property {((callbacks: ChatCallbacks) => void) | null} [connect] connects a source of the chat's events; by default,
 *   a stream of the chat
 * @property {(text: string) => number[] | null} [mentionsIn] returns the ids of the members whom a text mentions; null
 *   if members must be loaded first
 * @property {(text: string) => Promise<number[]>} [findMentions] loads members, and returns the same
 * @property {(count: number) => void} [onUnread] gets the number of unread messages
 * @property {(reason: import('../../chatapi/stream/follow.js').EndReason) => void} [onEnded] called when the token is
 *   no longer valid
 * @property {(() => void) | null} [onNewChat] called when the reader asks for a new chat, because this one is closed
 */

/**
 * @param {HTMLElement} root
 * @param {Options} options
 */
export async function openConversation(root, options) {
  const conversation = new Conversation(root, options);
  try {
    await conversation.open();
  } catch (error) {
    conversation.close();
    throw error;
  }
  return conversation;
}

/**
 * Dispatches 'chat' (detail: what changed of the chat), 'user' (detail: a chat user) and 'presence' (detail: a list of
 * {id, online}).
 */
class Conversation extends EventTarget {
  /**
   * @param {HTMLElement} root
   * @param {Options} options
   */
  constructor(
    root,
    {
      api,
      chat,
      me,
      connect = null,
      mentionsIn = () => [],
      findMentions = async () => [],
      onUnread = () => {},
      onEnded = () => {},
      onNewChat = null,
    },
  ) {
    super();
    this.api = api;
    this.chat = chat;
    this.me = me;
    this.mentionsIn = mentionsIn;
    this.onUnread = onUnread;
    this.onEnded = onEnded;
    this.path = `/api/chats/${chat.id}`;
    this.connect = connect ?? ((callbacks) => this.followChat(callbacks));
    this.unread = new Unread({ count: chat.unread_count, upTo: me.last_read_seq, asOf: chat.last_seq });
    this.lifetime = new AbortController();
    this.names = new Map(); // chat user id → name
    this.read = new Map(); // chat user id → seq, of the others
    this.reportedSeq = me.last_read_seq; // the seq up to which the server knows that the reader has read
    this.reporting = null; // timer
    /** @type {Set<string>} message id and emoji */
    this.reacting = new Set(); // requests to add or remove a reaction
    this.counting = null; // request for the number of unread messages
    this.disconnected = false;
    this.node = element('section', { class: 'conversation', 'aria-label': gettext('Conversation') });
    this.connectionNote = element('p', { class: 'connection', role: 'status', hidden: true });
    this.node.append(this.connectionNote);
    this.timeline = new Timeline({
      api,
      chatId: chat.id,
      root: this.node,
      render: (message) => this.render(message),
      onNewestVisible: () => this.markRead(),
      onScroll: () => this.updateDownButton(),
    });
    this.downButton = element('button', {
      class: 'button small down',
      type: 'button',
      hidden: true,
      on: { click: () => this.timeline.scrollToEnd().catch(() => {}) },
    });
    this.typing = new TypingNote((id) => this.nameOf(id));
    this.announcement = element('p', { class: 'unseen', 'aria-live': 'polite' });
    this.node.append(element('div', { class: 'below' }, this.downButton), this.typing.node, this.announcement);
    this.outbox = new Outbox({
      storageKey: `chatapi:outbox:${me.id}`,
      send: async (item) => {
        const { text, key, quote, files } = item;
        if (item.mentions === null) this.outbox.setMentions(item, await findMentions(text));
        const body = {
          text,
          ...(item.mentions?.length && { mentions: item.mentions }),
          ...(quote && { reply_to_id: quote.id }),
          ...(files?.length && { attachment_ids: files.map(({ id }) => id) }),
        };
        return api.post(`${this.path}/messages`, body, { key, signal: this.lifetime.signal });
      },
      onChange: () => this.showPending(),
      onSent: (message) => this.addMessage(message),
    });
    this.composer = new Composer({
      loadUploads: () => this.loadUploads(),
      root: this.node,
      draftKey: `chatapi:draft:${me.id}`,
      renderQuote: (quote) => this.renderQuote(quote),
      onSend: (text, quote, files) => this.send(text, quote, files),
      onEdit: (message, text) => this.edit(message, text),
      onTyping: (typing) => this.reportTyping(typing),
      onUp: () => this.timeline.findLast((message) => this.isMine(message) && message.deleted_at === null),
    });
    if (drafts.has(me.id)) this.loadUploads().then((uploads) => this.composer.showUploads(uploads));
    this.acceptDrops();
    this.palette = new Palette({
      root: this.node,
      elementOf: (id) => this.timeline.elementOf(id),
      onChoose: (id, emoji) => this.react(id, emoji),
      signal: this.lifetime.signal,
    });
    this.closedNote = element(
      'div',
      { class: 'notice closed', role: 'status', hidden: true },
      element('p', {}, gettext('This chat is closed. You can read it but not send messages.')),
      onNewChat
        ? element('button', { class: 'button', type: 'button', on: { click: onNewChat } }, gettext('Start a new chat'))
        : null,
    );
    this.node.append(this.closedNote);
    onVisibilityChange(() => isVisible() && this.timeline.handleScroll(), { signal: this.lifetime.signal });
    for (const type of ['online', 'offline']) {
      addEventListener(type, () => this.showConnection(), { signal: this.lifetime.signal });
    }
    addEventListener('online', () => this.outbox.retryNow(), { signal: this.lifetime.signal });
    root.append(this.node);
  }

  /** The files of the draft. */
  async loadUploads() {
    const { Uploads } = await import('./uploads.js');
    const uploads = drafts.get(this.me.id) ?? new Uploads({ api: this.api, path: this.path });
    drafts.set(this.me.id, uploads);
    uploads.adopt(this.api, {
      onChange: () => this.composer.handleUploads(),
      onRemoved: () => this.composer.attachButton.focus(),
    });
    return uploads;
  }

  /** Attach files that are dropped onto the conversation. */
  acceptDrops() {
    const carriesFiles = ({ dataTransfer }) => !this.composer.form.hidden && dataTransfer?.types.includes('Files');
    const show = (over) => this.node.classList.toggle('dropping', over);
    this.node.addEventListener('dragover', (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      show(true);
    });
    this.node.addEventListener('dragleave', (event) => {
      if (!this.node.contains(/** @type {Node | null} */ (event.relatedTarget))) show(false);
    });
    this.node.addEventListener('drop', (event) => {
      show(false);
      if (!carriesFiles(event)) return;
      event.preventDefault();
      this.composer.attach(filesOf(event.dataTransfer));
    });
  }

  async open() {
    this.showChat();
    const users = await this.api.get(`${this.path}/users?per_page=249`);
    for (const user of users.data) {
      this.names.set(user.id, fullName(user));
      if (user.id !== this.me.id) this.read.set(user.id, user.last_read_seq);
    }
    await this.timeline.open({ unread: this.unread.count, isMine: (message) => this.isMine(message) });
    this.showRead();
    this.showUnread();
    this.timeline.handleScroll();
    this.checkReply();
    this.showPending();
    this.outbox.run();
    const { signal } = this.lifetime;
    this.log = new ChatLog({
      api: this.api,
      path: this.path,
      after: this.chat.last_seq, // the chat was fetched before the messages
      onEvent: (event) => this.handleEvent(event),
      signal,
    });
    this.connect({
      onEvent: (event) => this.log.add(event),
      onEphemeral: (event) => this.handleEphemeral(event),
      onState: (state) => this.handleState(state),
      onEnd: (reason) => this.handleEnd(reason),
      signal,
    });
    this.log.catchUp();
  }

  /**
   * Follow a stream of this chat, shared by all tabs with the same token.
   *
   * @param {ChatCallbacks} callbacks
   */
  followChat(callbacks) {
    const { token } = this.api;
    return new SharedStream(`chat:${this.chat.id}:${token.slice(-6)}`, {
      path: () => `${this.path}/events`,
      token: () => token,
      after: this.chat.last_seq,
      ...callbacks,
    });
  }

  close() {
    this.lifetime.abort();
    this.outbox.close();
    this.timeline.close();
    this.typing.close();
    this.node.remove();
  }

  focus() {
    if (this.composer.form.hidden) this.timeline.scroller.focus();
    else this.composer.focus();
  }

  insert(text) {
    this.composer.insert(text);
  }

  isMine(message) {
    return message.author.id === this.me.id;
  }

  // --- Events ---

  handleEvent({ seq, type, data }) {
    if (type === 'message.created') this.addMessage(data);
    else if (type.startsWith('message.')) this.changeMessage(type, data, seq);
    else if (type.startsWith('attachment.')) this.showMessage(data);
    else if (type.startsWith('reaction.')) this.showMessage(messageOf(data));
    else if (type.startsWith('user.')) this.changeUser(type, data);
    else if (type.startsWith('chat.')) this.changeChat(data);
  }

  addMessage(message) {
    const mine = this.isMine(message);
    const known = this.timeline.find(message.id) !== undefined;
    const seen = this.timeline.newestVisible;
    this.timeline.add(message, { firstUnread: !mine && !seen && this.unread.count === 0 });
    // Sending a message implies having read all before it. A deleted message counts, too: the event of its deletion
    // follows.
    if (mine) this.readUpTo(message.seq);
    else this.unread.created(message);
    if (known) {
      this.showUnread();
      return;
    }
    this.typing.stop(message.author.id);
    if (mine) {
      this.timeline.scrollToEnd().catch(() => {});
    } else {
      this.names.set(message.author.id, fullName(message.author));
      if (message.text !== null) {
        this.announcement.textContent = interpolate(gettext('%(name)s: %(text)s'), {
          name: fullName(message.author),
          text: shorten(summaryOf(message), 300),
        });
      }
    }
    if (this.timeline.sticky) this.markRead();
    this.showUnread();
    this.showRead();
  }

  /** Show a message that the event `seq` edited or deleted. */
  changeMessage(type, message, seq) {
    this.showMessage(message);
    if (type === 'message.deleted' && !this.isMine(message)) {
      this.unread.deleted(message, seq);
      this.showUnread();
    }
  }

  /** Show the current version of a message, also where it is quoted. */
  showMessage(message) {
    this.timeline.replace(message);
    this.palette.place();
    this.outbox.requote(quoteOf(message));
    this.checkQuote(message);
    this.showRead();
  }

  /** Show what the message says now to which the draft replies. The server accepts no reply to a deleted one. */
  checkQuote(message) {
    if (this.composer.quote?.id !== message.id) return;
    const deleted = message.deleted_at !== null;
    this.composer.setQuote(deleted ? null : quoteOf(message));
    if (deleted) this.announcement.textContent = gettext('The message you were replying to was deleted.');
  }

  /** The message to which a stored draft replies may have changed since. */
  async checkReply() {
    const { quote } = this.composer;
    if (!quote) return;
    const { signal } = this.lifetime;
    try {
      this.checkQuote(
        this.timeline.find(quote.id) ?? (await this.api.get(`${this.path}/messages/${quote.id}`, { signal })),
      );
    } catch {
      // The stored quote stays; the server checks the reply when it is sent.
    }
  }

  /** Note that the reader has read up to `seq`, in this tab or elsewhere. */
  readUpTo(seq) {
    this.reportedSeq = Math.max(this.reportedSeq, seq);
    if (this.unread.read(seq, this.timeline.newest)) this.showUnread();
    else this.recount();
  }

  /** Ask the server for the number of unread messages, which may include messages that are not loaded. */
  recount() {
    this.counting ??= this.api
      .get(this.path, { signal: this.lifetime.signal })
      .then(({ unread_count: count, last_seq: asOf }) => {
        this.unread.reset({ count, asOf });
        this.showUnread();
      })
      .catch(() => {}) // the next visit counts again
      .finally(() => {
        this.counting = null;
      });
  }

  changeUser(type, user) {
    const renamed = this.names.get(user.id) !== fullName(user);
    this.names.set(user.id, fullName(user));
    if (renamed) this.refresh((message) => isReactedBy(message, user.id));
    if (user.id === this.me.id && ['user.left', 'user.removed'].includes(type)) {
      this.handleEnd({ status: 401 }); // the same as when the chat's own stream ends
      return;
    }
    if (type !== 'user.updated') this.typing.stop(user.id);
    if (user.id !== this.me.id && type in NOTICES) {
      this.announcement.textContent = interpolate(NOTICES[type], { name: fullName(user) });
    }
    this.emit('user', user);
  }

  changeChat(chat) {
    const { status } = this.chat;
    Object.assign(this.chat, chat);
    this.showChat();
    if (chat.status !== status) this.refresh(); // a closed chat takes no replies and reactions
    if (chat.status === 'open') this.outbox.retryNow();
    this.emit('chat', chat);
  }

  handleEphemeral({ type, data, created_at: at }) {
    if (type === 'typing' && data.chat_user_id !== this.me.id) {
      // Both times are the server's, because the browser's clock may be wrong.
      this.typing.start(data.chat_user_id, Date.parse(data.expires_at) - Date.parse(at));
    } else if (type === 'read' && data.chat_user_id === this.me.id) {
      this.readUpTo(data.seq);
    } else if (type === 'read') {
      this.read.set(data.chat_user_id, Math.max(data.seq, this.read.get(data.chat_user_id) ?? 0));
      this.showRead();
    } else if (type === 'presence') {
      this.emit('presence', data.users);
    }
  }

  handleState(state) {
    this.disconnected = state === 'disconnected';
    this.showConnection();
    if (state === 'connected') {
      this.outbox.retryNow();
      if (this.timeline.sticky) this.markRead();
    }
  }

  handleEnd(reason) {
    if (this.lifetime.signal.aborted) return;
    this.close();
    this.onEnded(reason);
  }

  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- Actions ---

  send(text, quote, files) {
    this.outbox.add(text, quote, files, this.mentionsIn(text));
    this.timeline.scrollToEnd().catch(() => {});
  }

  async edit(message, text) {
    try {
      this.showMessage(await this.api.put(`${this.path}/messages/${message.id}`, { text }));
    } catch (error) {
      throw new Error(describeError(error), { cause: error });
    }
  }

  async remove(message) {
    if (!(await confirmAction(gettext('Delete this message for everyone?'), gettext('Delete')))) return;
    try {
      this.showMessage(await this.api.delete(`${this.path}/messages/${message.id}`));
    } catch (error) {
      this.announcement.textContent = describeError(error);
    }
  }

  /** Add the reader's reaction to a message, or remove it if it is there. */
  async react(id, emoji) {
    const request = `${id} ${emoji}`;
    const message = this.timeline.find(id);
    if (!message || this.reacting.has(request)) return;
    const path = `${this.path}/messages/${id}/reactions/${encodeURIComponent(emoji)}`;
    this.reacting.add(request);
    try {
      const add = !hasReacted(message, emoji, this.me.id);
      this.showMessage(add ? await this.api.put(path) : await this.api.delete(path));
    } catch (error) {
      this.announcement.textContent = describeError(error);
    } finally {
      this.reacting.delete(request);
    }
  }

  goTo(quote) {
    this.timeline.goTo(quote).catch((error) => {
      this.announcement.textContent = describeError(error);
    });
  }

  reportTyping(typing) {
    this.api.post(`${this.path}/typing`, { typing }).catch(() => {}); // a lost notification does no harm
  }

  /** Mark all messages as read if the page is visible. */
  markRead() {
    if (!isVisible()) return;
    const { newest } = this.timeline;
    this.unread.read(newest, newest);
    this.showUnread();
    if (newest <= this.reportedSeq) return;
    clearTimeout(this.reporting);
    this.reporting = setTimeout(async () => {
      if (this.lifetime.signal.aborted) return;
      try {
        await this.api.put(`${this.path}/read`, { seq: newest });
        this.reportedSeq = Math.max(this.reportedSeq, newest);
      } catch {
        // Reported with the next message, or when the stream connects again.
      }
    }, READ_DELAY);
  }

  // --- Rendering ---

  render(message) {
    const mine = this.isMine(message);
    const { id, reply_to: quote } = message;
    const current = () => this.timeline.find(id);
    const open = this.chat.status !== 'closed';
    const tools = [];
    if (open) {
      tools.push(
        messageButton(gettext('Reply'), 'reply', () => this.composer.replyTo(quoteOf(current()))),
        messageButton(gettext('React'), 'react', () =>
          this.palette.toggle(id, (emoji) => hasReacted(current(), emoji, this.me.id)),
        ),
      );
    }
    if (mine) {
      tools.push(
        messageButton(gettext('Edit'), 'edit', () => this.composer.edit(current())),
        messageButton(gettext('Delete'), 'delete', () => this.remove(message)),
      );
    }
    const reactions = renderReactions(message, {
      nameOf: (userId) => this.nameOf(userId),
      me: this.me.id,
      onToggle: open ? (emoji) => this.react(id, emoji) : null,
    });
    return renderMessage(message, {
      mine,
      tools,
      quote: quote && this.renderQuote(quote, () => this.goTo(quote)),
      reactions,
      files: renderAttachments(message.attachments, (fileId) => this.api.get(`${this.path}/attachments/${fileId}`)),
    });
  }

  renderQuote(quote, onOpen = null) {
    return renderQuote(quote, { mine: this.isMine(quote), onOpen });
  }

  /** The name of a chat user, as the reader sees it. */
  nameOf(id) {
    return id === this.me.id ? gettext('You') : (this.names.get(id) ?? gettext('Someone'));
  }

  /** Show the messages again for which `test` is true. */
  refresh(test) {
    this.timeline.refresh(test);
    this.palette.place();
    this.showRead();
  }

  showChat() {
    const closed = this.chat.status === 'closed';
    this.composer.closed = closed;
    this.closedNote.hidden = !closed;
    this.showPending();
  }

  showConnection() {
    this.connectionNote.hidden = !this.disconnected && navigator.onLine;
    this.connectionNote.textContent = navigator.onLine
      ? gettext('Reconnecting … Your messages will be sent once you are back online.')
      : gettext('You are offline. Your messages will be sent once you are back online.');
  }

  showUnread() {
    this.onUnread(this.unread.count);
    this.updateDownButton();
  }

  updateDownButton() {
    const { atEnd, sticky } = this.timeline;
    const { count } = this.unread;
    this.downButton.hidden = sticky || (atEnd && !count && isNearEnd(this.timeline.scroller));
    this.downButton.textContent = count
      ? interpolate(ngettext('%(n)s new message', '%(n)s new messages', count), { n: count })
      : gettext('Go to newest message');
  }

  /** Show "Read" below the reader's newest message that somebody else has read. */
  showRead() {
    const upTo = Math.max(0, ...this.read.values());
    let last = null;
    this.timeline.forEach((message, node) => {
      const status = node.querySelector('.seen');
      status.textContent = '';
      if (this.isMine(message) && message.seq <= upTo && message.deleted_at === null) last = status;
    });
    if (last) last.textContent = gettext('Read');
  }

  showPending() {
    if (!this.outbox) return; // it is being created
    this.timeline.tail.replaceChildren(...this.outbox.items.map((item) => this.renderPending(item)));
  }

  renderPending(item) {
    return renderPending(item, {
      quote: item.quote && this.renderQuote(item.quote),
      onRetry: () => this.outbox.retry(item),
      onRetryWithoutQuote: () => this.outbox.retryWithoutQuote(item),
      onDiscard: () => this.outbox.discard(item),
    });
  }
}

function isNearEnd(scroller) {
  return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop < 200;
}
