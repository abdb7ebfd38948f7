// The panel beside a conversation: facts about the chat, its people, and actions.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { formatBrief, formatDateTime, onNewDay } from '../../chatapi/text/times.js';
import { confirmAction } from '../../chatapi/ui/dialog.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { describeError } from './errors.js';
import { fullName } from './message.js';

const REFRESH_DELAY = 300; // milliseconds; one request answers a burst of events

/** @typedef {{label: string, question?: string, act: (user: any) => Promise<any>}} Action on a chat user */

export class People {
  /**
   * @param {HTMLElement} root
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api
   * @param {EventTarget} options.conversation dispatches 'chat', 'user' and 'presence', as a Conversation does
   * @param {any} options.chat
   * @param {any} options.me the reader's chat user
   * @param {any} [options.company]
   * @param {(user: any) => Action[]} [options.actionsFor] what the reader may do with a chat user
   * @param {string} [options.email] the reader's address, if the server can't know it from the token
   * @param {(() => void) | null} [options.onLeave] called when the reader has left; null if they cannot leave
   */
  constructor(root, { api, conversation, chat, me, company = null, actionsFor = () => [], email, onLeave = null }) {
    this.api = api;
    this.email = email;
    this.chat = chat;
    this.me = me;
    this.company = company;
    this.actionsFor = actionsFor;
    this.onLeave = onLeave;
    this.path = `/api/chats/${chat.id}`;
    this.users = null;
    /** @type {Set<number>} ids of chat users */
    this.online = new Set();
    this.leaving = false;
    this.refreshing = null; // timer
    this.lifetime = new AbortController();
    const { signal } = this.lifetime;
    conversation.addEventListener('user', () => this.refreshSoon(), { signal });
    conversation.addEventListener('chat', () => this.showAbout(), { signal });
    conversation.addEventListener(
      'presence',
      (event) => this.updatePresence(/** @type {CustomEvent} */ (event).detail),
      { signal },
    );
    this.about = element('dl', { class: 'about' });
    this.list = element('ul', { class: 'people' });
    this.notice = element('p', { class: 'small', role: 'status' });
    this.link = element('input', { readOnly: true, hidden: true, 'aria-label': gettext('Join link') });
    this.node = element(
      'aside',
      { class: 'beside', 'aria-label': gettext('About this chat') },
      element('h2', {}, gettext('About this chat')),
      this.about,
      element('h2', {}, gettext('People')),
      this.list,
      element(
        'div',
        { class: 'stack' },
        element(
          'button',
          { class: 'button secondary', type: 'button', on: { click: () => this.share() } },
          gettext('Share join link'),
        ),
        this.link,
        element(
          'button',
          { class: 'button secondary', type: 'button', on: { click: () => this.openTranscript() } },
          gettext('Transcript'),
        ),
        onLeave
          ? element(
              'button',
              { class: 'button danger', type: 'button', on: { click: () => this.leave() } },
              gettext('Leave chat'),
            )
          : null,
        this.notice,
      ),
    );
    root.append(this.node);
    onNewDay(() => this.showAbout(), { signal });
    this.showAbout();
    this.refresh();
  }

  close() {
    this.lifetime.abort();
    clearTimeout(this.refreshing);
    this.node.remove();
  }

  refreshSoon() {
    clearTimeout(this.refreshing);
    if (!this.lifetime.signal.aborted) this.refreshing = setTimeout(() => this.refresh(), REFRESH_DELAY);
  }

  async refresh() {
    try {
      this.users = (await this.api.get(`${this.path}/users?per_page=249`)).data;
    } catch {
      return; // the next event tries again
    }
    if (!this.lifetime.signal.aborted) this.showPeople();
  }

  updatePresence(users) {
    for (const { id, online } of users) {
      if (online) this.online.add(id);
      else this.online.delete(id);
    }
    if (this.users) this.showPeople();
  }

  showAbout() {
    const facts = [
      [gettext('Chat'), this.chat.name ? [bdi(this.chat.name)] : null],
      [gettext('Number'), [String(this.chat.id)]],
      [gettext('Company'), this.company ? [bdi(this.company.name)] : null],
      [
        gettext('Created'),
        [
          element(
            'time',
            { dateTime: this.chat.created_at, title: formatDateTime(this.chat.created_at) },
            formatBrief(this.chat.created_at),
          ),
        ],
      ],
    ];
    this.about.replaceChildren(
      ...facts
        .filter(([, value]) => value)
        .map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, ...value))),
    );
  }

  showPeople() {
    const order = { active: 0, invited: 1 };
    const sorted = [...this.users].sort((a, b) => (order[a.status] ?? 2) - (order[b.status] ?? 2) || a.id - b.id);
    this.list.replaceChildren(...sorted.map((user) => this.renderUser(user)));
  }

  renderUser(user) {
    const online = user.status === 'active' && (this.online.has(user.id) || user.id === this.me.id);
    const state = {
      active: online ? gettext('online') : gettext('offline'),
      invited: gettext('invited'),
      left: gettext('left'),
      removed: gettext('removed'),
      banned: gettext('banned'),
    }[user.status];
    return element(
      'li',
      { class: user.status === 'active' ? 'person' : 'person past', data: { id: String(user.id) } },
      element('span', { class: online ? 'dot online' : 'dot', 'aria-hidden': 'true' }),
      element(
        'span',
        { class: 'name' },
        bdi(fullName(user)),
        user.id === this.me.id ? ` ${gettext('(you)')}` : null,
        user.role === 'agent' ? element('span', { class: 'badge' }, gettext('Team')) : null,
        element(
          'span',
          { class: 'quiet small' },
          state,
          user.email && user.id !== this.me.id ? [' · ', bdi(user.email)] : null,
        ),
      ),
      ...this.actionsFor(user).map(({ label, question, act }) =>
        element(
          'button',
          {
            class: 'link small',
            type: 'button',
            'aria-label': interpolate(gettext('%(action)s: %(name)s'), { action: label, name: fullName(user) }),
            on: { click: () => this.run(question, label, () => act(user)) },
          },
          label,
        ),
      ),
    );
  }

  async run(question, yes, act) {
    if (question && !(await confirmAction(question, yes))) return;
    try {
      await act();
      this.notice.textContent = '';
      this.refreshSoon();
    } catch (error) {
      this.notice.textContent = describeError(error);
    }
  }

  async share() {
    try {
      const { url } = await this.api.post(`${this.path}/share`, {});
      await this.offerLink(url);
    } catch (error) {
      this.notice.textContent = describeError(error);
    }
  }

  /** Show a link, and copy it where the browser allows that. */
  async offerLink(url) {
    this.link.value = url;
    this.link.hidden = false;
    try {
      await navigator.clipboard.writeText(url);
      this.notice.textContent = gettext('Link copied. Anyone who has it can join.');
    } catch {
      this.notice.textContent = gettext('Copy this link. Anyone who has it can join.');
      this.link.select();
    }
  }

  async openTranscript() {
    try {
      const { openTranscript } = await import('./transcript.js');
      const { api, chat, email, me } = this;
      openTranscript({ api, chat, email, canMail: me.assurance !== 'claimed' });
    } catch {
      this.notice.textContent = gettext('No connection. Please try again.');
    }
  }

  leave() {
    const question = gettext('Leave this chat? To rejoin, you will need its link and a new code sent by email.');
    return this.run(question, gettext('Leave chat'), async () => {
      this.leaving = true;
      try {
        await this.api.delete(`${this.path}/users/${this.me.id}`);
      } catch (error) {
        this.leaving = false;
        throw error;
      }
      this.onLeave();
    });
  }
}
