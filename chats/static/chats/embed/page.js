// The page in the panel on another website. It tells the website only how many messages are unread.

import { seal, unseal } from '../../chatapi/storage/sealed.js';
import { delegateStorage, isStorageBlocked } from '../../chatapi/storage/storage.js';
import { find } from '../../chatapi/ui/dom.js';
import { setCovered } from '../../chatapi/ui/visibility.js';
import { start } from '../start/start.js';

const root = find('#visitor');
const origins = root.dataset.origins.split(' ').filter(Boolean);

/** Send a message to the page around this one, if its origin is allowed. */
function post(message) {
  if (parent === window) return;
  for (const origin of origins) parent.postMessage({ from: 'chatapi', ...message }, origin);
}

/** @type {(kept: {sealed?: string}) => void} */
let resolveKept;
/** @type {Promise<{sealed?: string}>} */
const kept = new Promise((resolve) => {
  resolveKept = resolve;
});
addEventListener('message', ({ source, origin, data }) => {
  if (source !== parent || !origins.includes(origin) || data?.from !== 'chatapi-host') return;
  setCovered(data.type === 'hidden');
  resolveKept(data.kept ?? {});
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]'))
    post({ type: 'close' });
});

post({ type: 'ready', blocked: isStorageBlocked() });
if (isStorageBlocked() && parent !== window) {
  // Some browsers let the panel store nothing, so the chat would be lost with the website's next page. The website
  // stores the values instead, encrypted, because every script there can read its storage.
  /** @type {Promise<any>} */
  let queue = Promise.resolve(); // in order, so that the newest values win
  delegateStorage(await unseal((await kept).sealed), (values) => {
    queue = queue
      .then(() => seal(values))
      .then((value) => value && post({ type: 'keep', key: 'sealed', value }), reportError);
  });
}
start(root, {
  company: root.dataset.company,
  name: root.dataset.name,
  notice: root.dataset.notice,
  onChat: () => post({ type: 'started' }),
  onUnread: (count) => post({ type: 'unread', count }),
});
