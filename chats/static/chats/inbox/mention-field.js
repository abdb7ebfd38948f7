// A text field that suggests members after an @.

import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { membersNamed, mentionsIn, nameBeingWritten } from './mentions.js';

const MAX_SUGGESTIONS = 6;

export class MentionField {
  /**
   * @param {object} options
   * @param {string} options.label
   * @param {() => Promise<import('./mentions.js').Member[]>} options.loadMembers
   * @param {() => void} options.onInput
   * @param {() => void} options.onEnter called when Enter is pressed without Shift
   */
  constructor({ label, loadMembers, onInput, onEnter }) {
    this.loadMembers = loadMembers;
    this.onInput = onInput;
    this.onEnter = onEnter;
    /** @type {Promise<import('./mentions.js').Member[]> | null} */
    this.members = null;
    /** @type {import('./mentions.js').Member[]} */
    this.shown = [];
    this.selected = 0;
    this.suggestions = element('ul', { class: 'suggestions', role: 'listbox', id: 'mention-list', hidden: true });
    this.suggestions.setAttribute('aria-label', gettext('Members'));
    this.textarea = element('textarea', {
      rows: 3,
      dir: 'auto',
      'aria-label': label,
      'aria-autocomplete': 'list',
      'aria-controls': 'mention-list',
      on: {
        input: () => {
          this.onInput();
          this.suggest();
        },
        keydown: (event) => this.handleKey(event),
        blur: () => this.close(),
      },
    });
    this.node = element('div', { class: 'mention-field' }, this.textarea, this.suggestions);
  }

  get value() {
    return this.textarea.value;
  }

  set value(text) {
    this.textarea.value = text;
    this.close();
  }

  focus() {
    this.textarea.focus();
  }

  /** The ids of the members whom the text mentions. */
  async mentions() {
    return this.value.includes('@') ? mentionsIn(this.value, await this.load()) : [];
  }

  load() {
    this.members ??= this.loadMembers().catch((error) => {
      this.members = null; // the next one tries again
      throw error;
    });
    return this.members;
  }

  get written() {
    return nameBeingWritten(this.value.slice(0, this.textarea.selectionStart));
  }

  async suggest() {
    if (!this.written) {
      this.close();
      return;
    }
    const members = await this.load().catch(() => []);
    const { written } = this; // it may have changed meanwhile
    this.shown = written ? membersNamed(members, written.name).slice(0, MAX_SUGGESTIONS) : [];
    this.selected = 0;
    this.show();
  }

  show() {
    this.suggestions.replaceChildren(
      ...this.shown.map((member, index) =>
        element(
          'li',
          {
            id: `mention-${index}`,
            role: 'option',
            'aria-selected': String(index === this.selected),
            // Before the field loses the focus.
            on: {
              pointerdown: (event) => {
                event.preventDefault();
                this.choose(member);
              },
            },
          },
          element('bdi', {}, member.name),
        ),
      ),
    );
    const open = this.shown.length > 0;
    this.suggestions.hidden = !open;
    if (open) this.textarea.setAttribute('aria-activedescendant', `mention-${this.selected}`);
    else this.textarea.removeAttribute('aria-activedescendant');
  }

  close() {
    this.shown = [];
    this.show();
  }

  choose({ name }) {
    const { written } = this;
    if (!written) return;
    this.textarea.setRangeText(`@${name} `, written.start, this.textarea.selectionStart, 'end');
    this.close();
    this.onInput();
    this.focus();
  }

  handleKey(event) {
    if (event.isComposing || event.keyCode === 229) return; // an input method handles the key
    const { length } = this.shown;
    if (length === 0) {
      if (event.key !== 'Enter' || event.shiftKey) return;
      event.preventDefault();
      this.onEnter();
      return;
    }
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      this.selected = (this.selected + (event.key === 'ArrowDown' ? 1 : length - 1)) % length;
      this.show();
    } else if (event.key === 'Enter' || event.key === 'Tab') {
      this.choose(this.shown[this.selected]);
    } else if (event.key === 'Escape') {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
  }
}
