// Suggests members while somebody types an @ and a name in a text field. Loaded when it is first needed.

import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { membersNamed, nameBeingWritten } from './mentions.js';

const MAX_SUGGESTIONS = 6;
let lists = 0; // each has an id of its own

export class MentionSuggestions {
  /**
   * @param {object} options
   * @param {HTMLTextAreaElement} options.field
   * @param {import('./mentions.js').Members} options.members
   * @param {(id: number) => void} options.onChoose called when the writer chooses a member
   */
  constructor({ field, members, onChoose }) {
    this.field = field;
    this.members = members;
    this.onChoose = onChoose;
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
    field.setAttribute('aria-autocomplete', 'list');
    field.setAttribute('aria-controls', this.node.id);
    field.addEventListener('input', () => this.suggest());
    field.addEventListener('blur', () => this.close());
    // Before the field's own listener, for which Enter means something else.
    field.addEventListener('keydown', (event) => this.handleKey(event), { capture: true });
  }

  get written() {
    return nameBeingWritten(this.field.value.slice(0, this.field.selectionStart));
  }

  async suggest() {
    if (!this.written) {
      this.close();
      return;
    }
    await this.members.load().catch(() => {}); // the next key press tries again
    const { written } = this; // it may have changed meanwhile
    this.shown = written ? membersNamed(this.members.list ?? [], written.name).slice(0, MAX_SUGGESTIONS) : [];
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

  choose({ id, name }) {
    const { written } = this;
    if (!written) return;
    this.onChoose(id);
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
