// A visitor's view of a chat: header, conversation and people.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { bdi, element } from '../../chatapi/ui/dom.js';
import { openConversation } from '../conversation/conversation.js';
import { People } from '../conversation/people.js';

/**
 * Show the chat until it ends.
 *
 * @param {HTMLElement} root
 * @param {object} options
 * @param {import('../../chatapi/api/client.js').Api} options.api has a chat-user token
 * @param {any} options.chat
 * @param {any} options.me the visitor's chat user
 * @param {(count: number) => void} [options.onUnread]
 * @param {any} [options.newChat] if given, the visitor can ask for another chat, and it is returned
 * @returns {Promise<any>} 'left', 'ended' when the token is no longer valid, or `newChat`
 */
export function showChat(root, { api, chat, me, onUnread = () => {}, newChat = null }) {
  return new Promise((resolve, reject) => {
    const title = element('h1', { title: me.company.name }, bdi(me.company.name));
    const about = element('p', { class: 'quiet small', title: chat.name }, bdi(chat.name));
    const toggle = element(
      'button',
      {
        class: 'button secondary small',
        type: 'button',
        'aria-expanded': 'false',
        on: { click: () => showPeople(!isOpen()) },
      },
      gettext('People'),
    );
    const body = element('div', { class: 'chat-body' });
    const node = element(
      'div',
      { class: 'chat' },
      element(
        'header',
        { class: 'chat-header' },
        logo(me.company),
        element('div', { class: 'chat-title' }, title, about),
        toggle,
      ),
      body,
    );
    root.replaceChildren(node);

    const isOpen = () => body.classList.contains('with-people');
    function showPeople(shown) {
      body.classList.toggle('with-people', shown);
      toggle.setAttribute('aria-expanded', String(shown));
    }
    const handleKey = (event) => {
      if (event.key !== 'Escape' || !isOpen() || event.defaultPrevented) return;
      showPeople(false);
      toggle.focus();
    };
    node.addEventListener('keydown', handleKey);

    const originalTitle = document.title;
    let people = null;
    let conversation = null;
    function finish(result) {
      people?.close();
      conversation?.close();
      document.title = originalTitle;
      onUnread(0);
      resolve(result);
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
      onEnded: () => finish(people?.leaving ? 'left' : 'ended'), // the stream may end before the request to leave returns
      onNewChat: newChat && (() => finish(newChat)),
    }).then((opened) => {
      conversation = opened;
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

/** The company's logo; null if it has none. An image that fails to load removes itself. */
function logo({ logo_url: src }) {
  if (!src) return null;
  return element('img', {
    class: 'logo',
    alt: '',
    referrerPolicy: 'no-referrer',
    on: { error: ({ target }) => target.remove() },
    src,
  });
}
