// A question before something that can't be taken back.

import { element } from './dom.js';
import { gettext } from '../text/i18n.js';

/** Ask; true when the person agreed. `question` is a sentence, `yes` what the button says. */
export function confirmed(question, yes, { danger = true } = {}) {
  return new Promise((resolve) => {
    const title = element('p', { id: 'question', class: 'question' }, question);
    const dialog = element(
      'dialog',
      { class: 'dialog', 'aria-labelledby': 'question', on: { close: () => finish() } },
      element(
        'form',
        { method: 'dialog' },
        title,
        element(
          'div',
          { class: 'actions' },
          element('button', { class: danger ? 'button danger' : 'button', value: 'yes' }, yes),
          element('button', { class: 'button secondary', value: 'no', autofocus: true }, gettext('Cancel')),
        ),
      ),
    );
    function finish() {
      resolve(dialog.returnValue === 'yes');
      dialog.remove();
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}
