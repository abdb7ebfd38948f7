// The page in the panel of another website, which hears of it only how many messages wait.

import { find } from '../chatapi/dom.js';
import { cover } from '../chatapi/sight.js';
import { start } from './start.js';

const root = find('#visitor');
const origins = root.dataset.origins.split(' ').filter(Boolean);

/** Say something to the page around; no page of an origin that isn't allowed hears it. */
function say(message) {
  if (parent === window) return;
  for (const origin of origins) parent.postMessage({ from: 'chatapi', ...message }, origin);
}

addEventListener('message', ({ source, origin, data }) => {
  if (source !== parent || !origins.includes(origin) || data?.from !== 'chatapi-host') return;
  cover(data.type === 'hidden');
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]')) say({ type: 'close' });
});

say({ type: 'ready' });
start(root, {
  company: root.dataset.company,
  notice: root.dataset.notice,
  onChat: () => say({ type: 'started' }),
  onUnread: (count) => say({ type: 'unread', count }),
});
