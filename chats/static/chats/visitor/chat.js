// A visitor's page while they are in a chat: its name, the conversation, who is there.

import { bdi, element } from '../../chatapi/ui/dom.js';
import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { openConversation } from '../conversation/conversation.js';
import { People } from '../conversation/people.js';

/**
 * Show the chat until it ends: 'left', or 'ended' when the token is good no more. Where another chat can
 * be started, also `anew`, which stands for that.
 */
export function converse(root, { api, chat, me, onUnread = () => {}, anew = null }) {
  return new Promise((resolve, reject) => {
    const title = element('h1', { title: me.company.name }, bdi(me.company.name));
    const about = element('p', { class: 'quiet small', title: chat.name }, bdi(chat.name));
    const toggle = element(
      'button',
      { class: 'button secondary small', type: 'button', 'aria-expanded': 'false', on: { click: () => show(!open()) } },
      gettext('People'),
    );
    const body = element('div', { class: 'chat-body' });
    const node = element(
      'div',
      { class: 'chat' },
      element('header', { class: 'chat-header' }, logo(me.company), element('div', { class: 'chat-title' }, title, about), toggle),
      body,
    );
    root.replaceChildren(node);

    const open = () => body.classList.contains('with-people');
    function show(shown) {
      body.classList.toggle('with-people', shown);
      toggle.setAttribute('aria-expanded', String(shown));
    }
    const escape = (event) => {
      if (event.key !== 'Escape' || !open() || event.defaultPrevented) return;
      show(false);
      toggle.focus();
    };
    node.addEventListener('keydown', escape);

    const plain = document.title;
    let people = null;
    let conversation = null;
    function finish(how) {
      people?.close();
      conversation?.close();
      document.title = plain;
      onUnread(0);
      resolve(how);
    }

    openConversation(body, {
      api,
      chat,
      me,
      onUnread: (count) => {
        document.title = count
          ? interpolate(gettext('(%(n)s) %(title)s'), { n: count, title: me.company.name })
          : me.company.name;
        onUnread(count);
      },
      onEnded: () => finish(people?.leaving ? 'left' : 'ended'), // the stream may know it first
      onAnew: anew && (() => finish(anew)),
    }).then((made) => {
      conversation = made;
      people = new People(body, {
        api,
        conversation,
        chat,
        me,
        company: me.company,
        onLeave: () => finish('left'),
      });
      conversation.addEventListener('chat', () => {
        about.title = chat.name;
        about.replaceChildren(bdi(chat.name));
      });
      document.title = me.company.name;
      conversation.focus();
    }, reject);
  });
}

/** The company's logo, from wherever it keeps it; none when it can't be shown. */
function logo({ logo_url: src }) {
  if (!src) return null;
  return element('img', { class: 'logo', alt: '', referrerPolicy: 'no-referrer', on: { error: ({ target }) => target.remove() }, src });
}
