// Suggests members while somebody types an @ and a name in a text field.

import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { membersNamed, mentionsIn, nameBeingWritten } from './mentions.js';

const MAX_SUGGESTIONS = 6;
let lists = 0; // each has an id of its own

export class MentionSuggestions {
  /**
   * @param {object} options
   * @param {HTMLTextAreaElement} options.field
   * @param {() => Promise<import('./mentions.js').Member[]>} options.loadMembers
   */
  constructor({ field, loadMembers }) {
    this.field = field;
    this.loadMembers = loadMembers;
    /** @type {import('./mentions.js').Member[]} */
    this.members = []; // until they are loaded
    /** @type {Promise<void> | null} */
    this.loading = null;
    /** @type {import('./mentions.js').Member[]} */
    this.shown = [];
    this.selected = 0;
    lists += 1;
    this.node = element('ul', {
      class: 'suggestions',
      role: 'listbox',
      id: `members-${lists}`,
      'aria-label': gettext('Members'),
      hidden: true,
    });
    if (field.value.includes('@')) this.load(); // a draft
    field.setAttribute('aria-autocomplete', 'list');
    field.setAttribute('aria-controls', this.node.id);
    field.addEventListener('input', () => this.suggest());
    field.addEventListener('blur', () => this.close());
    // Before the field's own listener, for which Enter means something else.
    field.addEventListener('keydown', (event) => this.handleKey(event), { capture: true });
  }

  /** The ids of the members whom a text mentions, as far as members are loaded: those suggested are. */
  mentionsIn(text) {
    return mentionsIn(text, this.members);
  }

  async load() {
    this.loading ??= this.loadMembers()
      .then((members) => {
        this.members = members;
      })
      .catch(() => {
        this.loading = null; // the next one tries again
      });
    await this.loading;
  }

  get written() {
    return nameBeingWritten(this.field.value.slice(0, this.field.selectionStart));
  }

  async suggest() {
    if (!this.written) {
      this.close();
      return;
    }
    await this.load();
    const { written } = this; // it may have changed meanwhile
    this.shown = written ? membersNamed(this.members, written.name).slice(0, MAX_SUGGESTIONS) : [];
    this.selected = 0;
    this.show();
  }

  show() {
    const { id } = this.node;
    this.node.replaceChildren(
      ...this.shown.map((member, index) =>
        element(
          'li',
          {
            id: `${id}-${index}`,
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
    this.node.hidden = this.shown.length === 0;
    if (this.node.hidden) this.field.removeAttribute('aria-activedescendant');
    else this.field.setAttribute('aria-activedescendant', `${id}-${this.selected}`);
  }

  close() {
    this.shown = [];
    this.show();
  }

  choose({ name }) {
    const { written } = this;
    if (!written) return;
    this.field.setRangeText(`@${name} `, written.start, this.field.selectionStart, 'end');
    this.field.dispatchEvent(new Event('input', { bubbles: true })); // the text has changed
    this.close();
    this.field.focus();
  }

  handleKey(event) {
    const { length } = this.shown;
    // While an input method is in use, it handles the key.
    if (length === 0 || event.isComposing || event.keyCode === 229) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      this.selected = (this.selected + (event.key === 'ArrowDown' ? 1 : length - 1)) % length;
      this.show();
    } else if ((event.key === 'Enter' && !event.shiftKey) || (event.key === 'Tab' && !event.shiftKey)) {
      this.choose(this.shown[this.selected]);
    } else if (event.key === 'Escape') {
      this.close();
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}
