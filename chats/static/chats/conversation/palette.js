// The emoji from which a reader chooses a reaction, beside the button that opens them.

import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';

export const EMOJI = ['👍', '❤️', '😂', '😮', '😢', '🙏', '🎉', '✅'];
const DISTANCE = 6; // pixels from the button and from the edges of the window

/**
 * The index of the emoji to which a key moves the focus; null if it moves it to none.
 *
 * @param {string} key
 * @param {number} index of the emoji with the focus
 * @param {number} count of the emoji
 * @param {boolean} [rightToLeft]
 */
export function indexAfter(key, index, count, rightToLeft = false) {
  const forward = rightToLeft ? 'ArrowLeft' : 'ArrowRight';
  const backward = rightToLeft ? 'ArrowRight' : 'ArrowLeft';
  if (key === forward || key === 'ArrowDown') return (index + 1) % count;
  if (key === backward || key === 'ArrowUp') return (index + count - 1) % count;
  if (key === 'Home') return 0;
  return key === 'End' ? count - 1 : null;
}

export class Palette {
  /**
   * @param {object} options
   * @param {HTMLElement} options.root
   * @param {(messageId: number) => HTMLElement | null} options.elementOf the element that shows a message now; its
   *   button "react" opens the palette
   * @param {(messageId: number, emoji: string) => void} options.onChoose
   * @param {AbortSignal} options.signal
   */
  constructor({ root, elementOf, onChoose, signal }) {
    this.elementOf = elementOf;
    this.onChoose = onChoose;
    /** @type {number | null} */
    this.messageId = null; // while it is open
    this.buttons = EMOJI.map((emoji) =>
      element('button', { type: 'button', on: { click: () => this.choose(emoji) } }, emoji),
    );
    this.node = element(
      'div',
      {
        class: 'palette',
        role: 'group',
        popover: 'manual', // above everything, whatever clips the messages
        'aria-label': gettext('Choose a reaction'),
        on: { keydown: (event) => this.handleKey(event) },
      },
      ...this.buttons,
    );
    root.append(this.node);
    document.addEventListener('pointerdown', (event) => this.handlePointer(event), { signal });
    addEventListener('scroll', () => this.place(), { capture: true, passive: true, signal });
    addEventListener('resize', () => this.place(), { signal });
  }

  /** @returns {HTMLElement | null} */
  get anchor() {
    return this.elementOf(this.messageId)?.querySelector('[data-action=react]') ?? null;
  }

  /**
   * @param {number} messageId
   * @param {(emoji: string) => boolean} hasReacted whether the reader has reacted with an emoji
   */
  toggle(messageId, hasReacted) {
    const same = this.messageId === messageId;
    this.close();
    if (same) return;
    this.messageId = messageId;
    for (const button of this.buttons) button.setAttribute('aria-pressed', String(hasReacted(button.textContent)));
    this.node.showPopover();
    this.place();
    this.buttons[0].focus();
  }

  close({ returnFocus = false } = {}) {
    if (this.messageId === null) return;
    const { anchor } = this;
    this.messageId = null;
    anchor?.setAttribute('aria-expanded', 'false');
    if (returnFocus) anchor?.focus();
    this.node.hidePopover();
  }

  choose(emoji) {
    const { messageId } = this;
    this.close({ returnFocus: true });
    this.onChoose(messageId, emoji);
  }

  /** Stay at the button; close once there is none, as when the message was deleted. */
  place() {
    if (this.messageId === null) return;
    const { anchor } = this;
    if (!anchor) {
      const message = this.node.contains(document.activeElement) ? this.elementOf(this.messageId) : null;
      this.close();
      message?.focus();
      return;
    }
    anchor.setAttribute('aria-expanded', 'true');
    const { left, width, top, bottom } = anchor.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.node;
    const x = Math.min(left + width / 2 - offsetWidth / 2, innerWidth - offsetWidth - DISTANCE);
    const lowest = innerHeight - offsetHeight - DISTANCE;
    const below = bottom + DISTANCE; // where it does not cover the message
    const y = below > lowest ? Math.min(top - offsetHeight - DISTANCE, lowest) : below;
    this.node.style.left = `${Math.max(x, DISTANCE)}px`;
    this.node.style.top = `${Math.max(y, DISTANCE)}px`;
  }

  handlePointer({ target }) {
    if (!this.node.contains(target) && !this.anchor?.contains(target)) this.close();
  }

  handleKey(event) {
    const index = this.buttons.indexOf(event.target);
    const next = indexAfter(event.key, index, this.buttons.length, getComputedStyle(this.node).direction === 'rtl');
    const last = event.shiftKey ? 0 : this.buttons.length - 1;
    if (next !== null) this.buttons[next].focus();
    // Tab past either end leaves as Escape does: what comes next in the document is far from the message.
    else if (event.key === 'Escape' || (event.key === 'Tab' && index === last)) this.close({ returnFocus: true });
    else return;
    event.preventDefault();
  }
}
