// Beside a conversation: what the chat is, who takes part and took part, and what one can do with it.

import { bdi, element } from '../../chatapi/ui/dom.js';
import { confirmed } from '../../chatapi/ui/dialog.js';
import { briefly, moment, onNewDay } from '../../chatapi/text/times.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { sentence } from './errors.js';
import { nameOf } from './message.js';

const ONCE_IN = 300; // milliseconds: events of many people at once are one look

/**
 * `tools(user)` gives what may be done with a chat user, as {label, question, act}; `onLeave` is called
 * when `me` has left, and without it nobody can.
 */
export class People {
  constructor(root, { api, conversation, chat, me, company = null, tools = () => [], onLeave = null }) {
    Object.assign(this, { api, chat, me, company, tools, onLeave });
    this.path = `/api/chats/${chat.id}`;
    this.online = new Set();
    this.leaving = false;
    this.over = new AbortController();
    const { signal } = this.over;
    conversation.addEventListener('user', () => this.later(), { signal });
    conversation.addEventListener('chat', () => this.showAbout(), { signal });
    conversation.addEventListener('presence', ({ detail }) => this.present(detail), { signal });
    this.about = element('dl', { class: 'about' });
    this.list = element('ul', { class: 'people' });
    this.said = element('p', { class: 'small', role: 'status' });
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
        element('button', { class: 'button secondary', type: 'button', on: { click: () => this.share() } }, gettext('Share join link')),
        this.link,
        onLeave
          ? element('button', { class: 'button danger', type: 'button', on: { click: () => this.leave() } }, gettext('Leave chat'))
          : null,
        this.said,
      ),
    );
    root.append(this.node);
    onNewDay(() => this.showAbout(), { signal });
    this.showAbout();
    this.look();
  }

  close() {
    this.over.abort();
    clearTimeout(this.clock);
    this.node.remove();
  }

  later() {
    clearTimeout(this.clock);
    if (!this.over.signal.aborted) this.clock = setTimeout(() => this.look(), ONCE_IN);
  }

  async look() {
    try {
      this.users = (await this.api.get(`${this.path}/users?per_page=249`)).data;
    } catch {
      return; // the next event asks again
    }
    if (!this.over.signal.aborted) this.showPeople();
  }

  present(users) {
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
      [gettext('Created'), [element('time', { dateTime: this.chat.created_at, title: moment(this.chat.created_at) }, briefly(this.chat.created_at))]],
    ];
    this.about.replaceChildren(
      ...facts
        .filter(([, value]) => value)
        .map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, ...value))),
    );
  }

  showPeople() {
    const places = { active: 0, invited: 1 };
    const sorted = [...this.users].sort((a, b) => (places[a.status] ?? 2) - (places[b.status] ?? 2) || a.id - b.id);
    this.list.replaceChildren(...sorted.map((user) => this.person(user)));
  }

  person(user) {
    const online = user.status === 'active' && (this.online.has(user.id) || user.id === this.me.id);
    const state = {
      active: online ? gettext('here now') : gettext('away'),
      invited: gettext('invited'),
      left: gettext('has left'),
      removed: gettext('was removed'),
      banned: gettext('was banned'),
    }[user.status];
    return element(
      'li',
      { class: user.status === 'active' ? 'person' : 'person past', data: { id: String(user.id) } },
      element('span', { class: online ? 'dot online' : 'dot', 'aria-hidden': 'true' }),
      element(
        'span',
        { class: 'name' },
        bdi(nameOf(user)),
        user.id === this.me.id ? ` ${gettext('(you)')}` : null,
        user.role === 'agent' ? element('span', { class: 'badge' }, gettext('Team')) : null,
        element('span', { class: 'quiet small' }, state, user.email && user.id !== this.me.id ? [' · ', bdi(user.email)] : null),
      ),
      ...this.tools(user).map(({ label, question, act }) =>
        element(
          'button',
          {
            class: 'link small',
            type: 'button',
            'aria-label': interpolate(gettext('%(action)s: %(name)s'), { action: label, name: nameOf(user) }),
            on: { click: () => this.run(question, label, () => act(user)) },
          },
          label,
        ),
      ),
    );
  }

  async run(question, yes, act) {
    if (question && !(await confirmed(question, yes))) return;
    try {
      await act();
      this.said.textContent = '';
      this.later();
    } catch (error) {
      this.said.textContent = sentence(error);
    }
  }

  async share() {
    try {
      const { url } = await this.api.post(`${this.path}/share`, {});
      await this.offer(url);
    } catch (error) {
      this.said.textContent = sentence(error);
    }
  }

  /** Copy a link, or show it to be copied where a page may not. */
  async offer(url) {
    this.link.value = url;
    this.link.hidden = false;
    try {
      await navigator.clipboard.writeText(url);
      this.said.textContent = gettext('The link was copied. Whoever has it can join.');
    } catch {
      this.said.textContent = gettext('Copy this link. Whoever has it can join.');
      this.link.select();
    }
  }

  leave() {
    const question = gettext('Leave this chat? To come back you need its link, and a new code by e-mail.');
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
