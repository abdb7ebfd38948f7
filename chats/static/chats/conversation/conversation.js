// A conversation, with the token of a guest or of an agent.
//
//   const conversation = await openConversation(root, {api, chat, me, connect, onUnread, onEnded});
//   conversation.close();
//
// `api` carries a chat-user token, `chat` is the answer of GET /api/chats/{id}, `me` the chat user.
// `connect({onEvent, onPassing, onState, onEnd, signal})` has the events of the chat delivered; without it, they
// come by a stream of the chat.
// `onUnread(count)` tells of messages that came unseen, `onEnded(reason)` that the token is good no
// more, `onAnew()` that a new chat is wanted, as this one is closed. What else happens in the chat is told by events of the conversation, an EventTarget:
// 'chat' (detail: what changed of the chat), 'user' (a chat user), 'presence' (users).

import { element } from '../../chatapi/ui/dom.js';
import { confirmed } from '../../chatapi/ui/dialog.js';
import { SharedStream } from '../../chatapi/stream/shared.js';
import { inSight, onSight } from '../../chatapi/ui/visibility.js';
import { shorten } from '../../chatapi/text/text.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { ChatLog } from './chat-log.js';
import { Composer } from './composer.js';
import { sentence } from './errors.js';
import { messageElement, nameOf, tool } from './message.js';
import { Outbox } from './outbox.js';
import { Timeline } from './timeline.js';
import { Unread } from './unread.js';

const READ_PAUSE = 500; // milliseconds in which reading is told once

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

class Conversation extends EventTarget {
  constructor(root, { api, chat, me, connect = null, onUnread = () => {}, onEnded = () => {}, onAnew = null }) {
    super();
    Object.assign(this, { api, chat, me, onUnread, onEnded });
    this.path = `/api/chats/${chat.id}`;
    this.connect = connect ?? ((callbacks) => this.stream(callbacks));
    this.unread = new Unread({ count: chat.unread_count, upTo: me.last_read_seq, asOf: chat.last_seq });
    this.over = new AbortController();
    this.typing = new Map(); // chat user id → the clock that ends it
    this.names = new Map(); // chat user id → name
    this.read = new Map(); // chat user id → seq, of the others
    this.told = me.last_read_seq; // the seq up to which the server knows that the reader has read
    this.broken = false; // the stream
    this.node = element('section', { class: 'conversation', 'aria-label': gettext('Conversation') });
    this.state = element('p', { class: 'connection', role: 'status', hidden: true });
    this.node.append(this.state);
    this.timeline = new Timeline({
      api,
      chatId: chat.id,
      root: this.node,
      render: (message) => this.render(message),
      onSeen: () => this.seen(),
      onMoved: () => this.showDown(),
    });
    this.down = element('button', {
      class: 'button small down',
      type: 'button',
      hidden: true,
      on: { click: () => this.timeline.toEnd().catch(() => {}) },
    });
    this.who = element('p', { class: 'typing', 'aria-live': 'polite' });
    this.news = element('p', { class: 'unseen', 'aria-live': 'polite' });
    this.node.append(element('div', { class: 'below' }, this.down), this.who, this.news);
    this.outbox = new Outbox({
      storageKey: `chatapi:outbox:${me.id}`,
      send: (text, key) => api.post(`${this.path}/messages`, { text }, { key, signal: this.over.signal }),
      onChange: () => this.showWaiting(),
      onSent: (message) => this.take(message),
    });
    this.composer = new Composer({
      root: this.node,
      draftKey: `chatapi:draft:${me.id}`,
      onSend: (text) => this.send(text),
      onEdit: (message, text) => this.edit(message, text),
      onTyping: (typing) => this.tellTyping(typing),
      onUp: () => this.timeline.last((message) => this.mine(message) && message.deleted_at === null),
    });
    this.end = element(
      'div',
      { class: 'notice closed', role: 'status', hidden: true },
      element('p', {}, gettext('This chat is closed. It can be read, not written to.')),
      onAnew
        ? element('button', { class: 'button', type: 'button', on: { click: onAnew } }, gettext('Start a new chat'))
        : null,
    );
    this.node.append(this.end);
    onSight(() => inSight() && this.timeline.scrolled(), { signal: this.over.signal });
    for (const type of ['online', 'offline']) {
      addEventListener(type, () => this.showConnection(), { signal: this.over.signal });
    }
    addEventListener('online', () => this.outbox.nudge(), { signal: this.over.signal });
    root.append(this.node);
  }

  async open() {
    this.showChat();
    const users = await this.api.get(`${this.path}/users?per_page=249`);
    for (const user of users.data) {
      this.names.set(user.id, nameOf(user));
      if (user.id !== this.me.id) this.read.set(user.id, user.last_read_seq);
    }
    await this.timeline.open({ unread: this.unread.count, mine: (message) => this.mine(message) });
    this.showRead();
    this.showUnread();
    this.timeline.scrolled();
    this.showWaiting();
    this.outbox.run();
    const { signal } = this.over;
    this.log = new ChatLog({
      api: this.api,
      path: this.path,
      after: this.chat.last_seq, // asked for before the messages were
      onEvent: (event) => this.happened(event),
      signal,
    });
    this.connect({
      onEvent: (event) => this.log.take(event),
      onPassing: (event) => this.passed(event),
      onState: (state) => this.connected(state),
      onEnd: (reason) => this.ended(reason),
      signal,
    });
    this.log.catchUp();
  }

  /** A stream of this chat, for all tabs that have the same token. */
  stream(callbacks) {
    const { token } = this.api;
    return new SharedStream(`chat:${this.chat.id}:${token.slice(-6)}`, {
      path: () => `${this.path}/events`,
      token: () => token,
      after: this.chat.last_seq,
      ...callbacks,
    });
  }

  close() {
    this.over.abort();
    this.outbox.close();
    this.timeline.close();
    for (const clock of this.typing.values()) clearTimeout(clock);
    this.node.remove();
  }

  focus() {
    if (this.composer.form.hidden) this.timeline.scroller.focus();
    else this.composer.focus();
  }

  insert(text) {
    this.composer.insert(text);
  }

  mine(message) {
    return message.author.id === this.me.id;
  }

  // --- What happens in the chat ---

  happened({ seq, type, data }) {
    if (type === 'message.created') this.take(data);
    else if (type.startsWith('message.')) this.changed(type, data, seq);
    else if (type.startsWith('user.')) this.userChanged(type, data);
    else if (type.startsWith('chat.')) this.chatChanged(data);
  }

  take(message) {
    const mine = this.mine(message);
    const known = this.timeline.find(message.id) !== undefined;
    const { seen } = this.timeline;
    this.timeline.add(message, { firstUnread: !mine && !seen && this.unread.count === 0 });
    if (mine) this.readUpTo(message.seq); // who sends has read what came before
    else this.unread.created(message); // a deleted one, too: its deletion follows
    if (known) {
      this.showUnread();
      return;
    }
    this.stopTyping(message.author.id);
    if (mine) {
      this.timeline.toEnd().catch(() => {});
    } else {
      this.names.set(message.author.id, nameOf(message.author));
      if (message.text !== null) {
        this.news.textContent = interpolate(gettext('%(name)s: %(text)s'), {
          name: nameOf(message.author),
          text: shorten(message.text, 300),
        });
      }
    }
    if (this.timeline.sticky) this.seen();
    this.showUnread();
    this.showRead();
  }

  /** A message was edited or deleted by the event `seq`. */
  changed(type, message, seq) {
    this.timeline.replace(message);
    if (type === 'message.deleted' && !this.mine(message)) {
      this.unread.deleted(message, seq);
      this.showUnread();
    }
    this.showRead();
  }

  /** The reader has read so far, in this tab or elsewhere. */
  readUpTo(seq) {
    this.told = Math.max(this.told, seq);
    if (this.unread.read(seq, this.timeline.newest)) this.showUnread();
    else this.recount();
  }

  /** Have the server count: the messages in question need not be among those that are shown. */
  recount() {
    this.counting ??= this.api
      .get(this.path, { signal: this.over.signal })
      .then(({ unread_count: count, last_seq: asOf }) => {
        this.unread.set({ count, asOf, upTo: this.unread.upTo });
        this.showUnread();
      })
      .catch(() => {}) // it is counted anew when the chat is opened the next time
      .finally(() => {
        this.counting = null;
      });
  }

  userChanged(type, user) {
    this.names.set(user.id, nameOf(user));
    if (user.id === this.me.id && ['user.left', 'user.removed'].includes(type)) {
      this.ended({ status: 401 }); // as a stream of this chat says it, too
      return;
    }
    if (type !== 'user.updated') this.stopTyping(user.id);
    if (user.id !== this.me.id) {
      const said = {
        'user.joined': gettext('%(name)s joined.'),
        'user.left': gettext('%(name)s left.'),
        'user.removed': gettext('%(name)s was removed.'),
      }[type];
      if (said) this.news.textContent = interpolate(said, { name: nameOf(user) });
    }
    this.tell('user', user);
  }

  chatChanged(chat) {
    Object.assign(this.chat, chat);
    this.showChat();
    if (chat.status === 'open') this.outbox.nudge();
    this.tell('chat', chat);
  }

  passed({ type, data, created_at: at }) {
    if (type === 'typing' && data.chat_user_id !== this.me.id) {
      // Both times are the server's, as the clock here may be wrong.
      this.startTyping(data.chat_user_id, Date.parse(data.expires_at) - Date.parse(at));
    } else if (type === 'read' && data.chat_user_id === this.me.id) {
      this.readUpTo(data.seq);
    } else if (type === 'read') {
      this.read.set(data.chat_user_id, Math.max(data.seq, this.read.get(data.chat_user_id) ?? 0));
      this.showRead();
    } else if (type === 'presence') {
      this.tell('presence', data.users);
    }
  }

  connected(state) {
    this.broken = state === 'offline';
    this.showConnection();
    if (state === 'live') {
      this.outbox.nudge();
      if (this.timeline.sticky) this.seen();
    }
  }

  ended(reason) {
    if (this.over.signal.aborted) return;
    this.close();
    this.onEnded(reason);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  // --- What the reader does ---

  send(text) {
    this.outbox.add(text);
    this.timeline.toEnd().catch(() => {});
  }

  async edit(message, text) {
    try {
      this.timeline.replace(await this.api.put(`${this.path}/messages/${message.id}`, { text }));
    } catch (error) {
      throw new Error(sentence(error), { cause: error });
    }
  }

  async remove(message) {
    if (!(await confirmed(gettext('Delete this message for everybody?'), gettext('Delete')))) return;
    try {
      this.timeline.replace(await this.api.delete(`${this.path}/messages/${message.id}`));
    } catch (error) {
      this.news.textContent = sentence(error);
    }
  }

  tellTyping(typing) {
    this.api.post(`${this.path}/typing`, { typing }).catch(() => {}); // it passes anyway
  }

  /** The newest message is in sight, if the page is. */
  seen() {
    if (!inSight()) return;
    const { newest } = this.timeline;
    this.unread.read(newest, newest);
    this.showUnread();
    if (newest <= this.told) return;
    clearTimeout(this.reading);
    this.reading = setTimeout(async () => {
      if (this.over.signal.aborted) return;
      try {
        await this.api.put(`${this.path}/read`, { seq: newest });
        this.told = Math.max(this.told, newest);
      } catch {
        // Told again with the next message, or when the connection is back.
      }
    }, READ_PAUSE);
  }

  // --- What is shown ---

  render(message) {
    const mine = this.mine(message);
    const tools = mine
      ? [
          tool(gettext('Edit'), 'edit', () => this.composer.edit(this.timeline.find(message.id))),
          tool(gettext('Delete'), 'delete', () => this.remove(message)),
        ]
      : [];
    return messageElement(message, { mine, tools });
  }

  showChat() {
    const closed = this.chat.status === 'closed';
    this.composer.closed = closed;
    this.end.hidden = !closed;
    this.showWaiting();
  }

  showConnection() {
    this.state.hidden = !this.broken && navigator.onLine;
    this.state.textContent = navigator.onLine
      ? gettext('Reconnecting … What you write is kept and sent.')
      : gettext('You are offline. What you write is kept and sent.');
  }

  showUnread() {
    this.onUnread(this.unread.count);
    this.showDown();
  }

  showDown() {
    const { atEnd, sticky } = this.timeline;
    const { count } = this.unread;
    this.down.hidden = sticky || (atEnd && !count && nearly(this.timeline.scroller));
    this.down.textContent = count
      ? interpolate(ngettext('%(n)s new message', '%(n)s new messages', count), { n: count })
      : gettext('To the newest message');
  }

  /** "Read" below the newest of one's own messages that another has read. */
  showRead() {
    const upTo = Math.max(0, ...this.read.values());
    let last = null;
    this.timeline.each((message, node) => {
      const place = node.querySelector('.seen');
      place.textContent = '';
      if (this.mine(message) && message.seq <= upTo && message.deleted_at === null) last = place;
    });
    if (last) last.textContent = gettext('Read');
  }

  showWaiting() {
    if (!this.outbox) return;
    this.timeline.tail.replaceChildren(...this.outbox.items.map((item) => this.waiting(item)));
  }

  waiting(item) {
    const refused = item.state === 'refused';
    const said = {
      sending: gettext('Sending …'),
      waiting: gettext('Not sent yet'),
      refused: refused ? sentence(item.reason) : '',
    }[item.state];
    return element(
      'li',
      { class: refused ? 'message mine refused' : 'message mine', data: { state: item.state } },
      element('div', { class: 'bubble', dir: 'auto' }, item.text),
      element(
        'div',
        { class: 'meta' },
        element('span', { class: refused ? 'error' : '' }, said),
        refused || (item.state === 'waiting' && !navigator.onLine)
          ? element(
              'span',
              { class: 'tools shown' },
              refused
                ? element('button', { type: 'button', class: 'tool', on: { click: () => this.outbox.retry(item) } }, gettext('Try again'))
                : null,
              element('button', { type: 'button', class: 'tool', on: { click: () => this.outbox.drop(item) } }, gettext('Discard')),
            )
          : null,
      ),
    );
  }

  startTyping(id, lasts) {
    clearTimeout(this.typing.get(id));
    if (lasts <= 0) this.typing.delete(id);
    else this.typing.set(id, setTimeout(() => this.stopTyping(id), Math.min(lasts, 10_000)));
    this.showTyping();
  }

  stopTyping(id) {
    clearTimeout(this.typing.get(id));
    if (this.typing.delete(id)) this.showTyping();
  }

  showTyping() {
    const names = [...this.typing.keys()].map((id) => shorten(this.names.get(id) ?? gettext('Somebody'), 40));
    this.who.textContent = names.length
      ? interpolate(
          ngettext('%(names)s is typing …', '%(names)s are typing …', names.length),
          { names: new Intl.ListFormat(document.documentElement.lang || undefined).format(names) },
        )
      : '';
  }
}

function nearly(scroller) {
  return scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop < 200;
}
