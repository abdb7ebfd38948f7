// Keys of the inbox. None is heard while somebody types, and they can be switched off.

import { element } from '../../chatapi/ui/dom.js';
import { keep, kept } from '../../chatapi/storage/storage.js';
import { gettext } from '../../chatapi/text/i18n.js';

const KEY = 'chatapi:shortcuts';

export const KEYS = [
  ['j', gettext('Next chat')],
  ['k', gettext('Previous chat')],
  ['Enter', gettext('Open the chat')],
  ['/', gettext('Search')],
  ['r', gettext('Write an answer')],
  ['e', gettext('Close or reopen the chat')],
  ['?', gettext('Show these keys')],
];

/** Call `actions[key]()` for the keys that are pressed. */
export function listen(actions) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (kept(KEY) === 'off' && event.key !== '?') return;
    if (document.querySelector('dialog[open]')) return;
    if (event.target.closest?.('input, textarea, select, [contenteditable]')) return;
    const act = actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

export function showKeys() {
  const off = element('input', {
    type: 'checkbox',
    checked: kept(KEY) !== 'off',
    id: 'keys-on',
    on: { change: () => keep(KEY, off.checked ? null : 'off') },
  });
  const dialog = element(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'keys-title', on: { close: () => dialog.remove() } },
    element('h2', { id: 'keys-title' }, gettext('Keys')),
    element('dl', { class: 'keys' }, ...KEYS.map(([key, does]) => element('div', {}, element('dt', {}, element('kbd', {}, key)), element('dd', {}, does)))),
    element('p', { class: 'check' }, off, element('label', { for: 'keys-on' }, gettext('Listen to these keys'))),
    element('form', { method: 'dialog' }, element('button', { class: 'button' }, gettext('Done'))),
  );
  document.body.append(dialog);
  dialog.showModal();
}
