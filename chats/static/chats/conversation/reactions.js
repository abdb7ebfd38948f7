// The reactions to a message, as buttons that add and remove the reader's own.

import { formatList, gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';

const MAX_NAMES = 10; // of one emoji; the others are counted

/** @typedef {{emoji: string, count: number, chat_user_ids: number[]}} Reaction those of a message with one emoji */

/**
 * The message of an event `reaction.added` or `reaction.removed`, whose data has the reaction besides.
 *
 * @param {any} data
 */
export function messageOf({ reaction: _, ...message }) {
  return message;
}

/** @param {any} message @param {string} emoji @param {number} chatUserId */
export function hasReacted(message, emoji, chatUserId) {
  return message.reactions.some((each) => each.emoji === emoji && each.chat_user_ids.includes(chatUserId));
}

/**
 * Return whether a chat user is among those who reacted to a message.
 *
 * @param {any} message
 * @param {number} chatUserId
 */
export function isReactedBy(message, chatUserId) {
  return message.reactions.some((each) => each.chat_user_ids.includes(chatUserId));
}

/** @param {Reaction} reaction @param {(chatUserId: number) => string} nameOf */
export function namesOf({ chat_user_ids: ids }, nameOf) {
  // One more name is as short as "1 other".
  const named = ids.length > MAX_NAMES + 1 ? ids.slice(0, MAX_NAMES) : ids;
  const names = named.map(nameOf);
  const others = ids.length - named.length;
  if (others) names.push(interpolate(ngettext('%(n)s other', '%(n)s others', others), { n: others }));
  return formatList(names);
}

/**
 * @param {any} message
 * @param {object} options
 * @param {(chatUserId: number) => string} options.nameOf
 * @param {number} [options.me] the reader's chat user; 0 if there is none
 * @param {((emoji: string) => void) | null} [options.onToggle] null if the reader cannot react
 * @returns {HTMLElement | null} null without reactions
 */
export function renderReactions(message, { nameOf, me = 0, onToggle = null }) {
  if (message.reactions.length === 0) return null;
  return element(
    'div',
    { class: 'reactions', role: 'group', 'aria-label': gettext('Reactions') },
    ...message.reactions.map((reaction) => {
      const { emoji, count } = reaction;
      const names = namesOf(reaction, nameOf);
      const text = ngettext('%(emoji)s, %(n)s reaction, %(names)s', '%(emoji)s, %(n)s reactions, %(names)s', count);
      const mine = hasReacted(message, emoji, me);
      const properties = {
        class: mine ? 'reaction own' : 'reaction',
        title: names,
        'aria-label': interpolate(text, { emoji, n: count, names }),
      };
      const content = `${emoji} ${count}`;
      if (!onToggle) return element('span', { ...properties, role: 'img' }, content);
      return element(
        'button',
        {
          ...properties,
          type: 'button',
          tabIndex: -1,
          'aria-pressed': String(mine),
          data: { action: `reaction ${emoji}` },
          on: { click: () => onToggle(emoji) },
        },
        content,
      );
    }),
  );
}
