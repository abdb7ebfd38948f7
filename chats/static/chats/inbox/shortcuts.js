// Keyboard shortcuts of the inbox. They are ignored while somebody types, and can be turned off.

import { getStored, setStored } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';

const KEY = 'chatapi:shortcuts';

export const KEYS = [
  ['j', gettext('Next chat')],
  ['k', gettext('Previous chat')],
  ['Enter', gettext('Open the chat')],
  ['/', gettext('Search')],
  ['r', gettext('Write a reply')],
  ['n', gettext('Write a note')],
  ['e', gettext('Close or reopen the chat')],
  ['?', gettext('Show keyboard shortcuts')],
];

/**
 * Call `actions[key]()` when a key is pressed.
 *
 * @param {Record<string, () => void>} actions
 */
export function listenToKeys(actions) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (getStored(KEY) === 'off' && event.key !== '?') return;
    if (document.querySelector('dialog[open], .chat[aria-busy]')) return;
    if (event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable]')) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

export function showKeys() {
  const off = element('input', {
    type: 'checkbox',
    checked: getStored(KEY) !== 'off',
    id: 'keys-on',
    on: { change: () => setStored(KEY, off.checked ? null : 'off') },
  });
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'keys-title', on: { close: () => dialog.remove() } },
    element('h2', { id: 'keys-title' }, gettext('Keyboard shortcuts')),
    element(
      'dl',
      { class: 'keys' },
      ...KEYS.map(([key, description]) =>
        element('div', {}, element('dt', {}, element('kbd', {}, key)), element('dd', {}, description)),
      ),
    ),
    element('p', { class: 'check' }, off, element('label', { for: 'keys-on' }, gettext('Use keyboard shortcuts'))),
    element('form', { method: 'dialog' }, element('button', { class: 'button' }, gettext('Done'))),
  );
  document.body.append(dialog);
  dialog.showModal();
}
