// A question before an action that cannot be undone.

import { gettext } from '../text/i18n.js';
import { element } from './dom.js';

/**
 * Ask for confirmation.
 *
 * @param {string} question a sentence
 * @param {string} yes the label of the button that confirms
 * @param {{danger?: boolean}} [options]
 * @returns {Promise<boolean>} whether the person confirmed
 */
export function confirmAction(question, yes, { danger = true } = {}) {
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
