// The page in the panel of another website, which hears of it only how many messages wait.

import { find } from '../../chatapi/ui/dom.js';
import { seal, unseal } from '../../chatapi/storage/sealed.js';
import { cover } from '../../chatapi/ui/visibility.js';
import { isBlocked, keepElsewhere } from '../../chatapi/storage/storage.js';
import { start } from '../start/start.js';

const root = find('#visitor');
const origins = root.dataset.origins.split(' ').filter(Boolean);

/** Say something to the page around; no page of an origin that isn't allowed hears it. */
function say(message) {
  if (parent === window) return;
  for (const origin of origins) parent.postMessage({ from: 'chatapi', ...message }, origin);
}

let answered;
const answer = new Promise((resolve) => {
  answered = resolve;
});
addEventListener('message', ({ source, origin, data }) => {
  if (source !== parent || !origins.includes(origin) || data?.from !== 'chatapi-host') return;
  cover(data.type === 'hidden');
  answered(data.kept ?? {});
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open]')) say({ type: 'close' });
});

say({ type: 'ready', blocked: isBlocked() });
if (isBlocked() && parent !== window) {
  // Some browsers let no panel keep anything. The website around does, or its next page would know
  // nothing; but any script there reads what it keeps, so it gets nothing that is not sealed.
  let turn = Promise.resolve(); // one after the other: the last word is the newest
  keepElsewhere(await unseal((await answer).sealed), (values) => {
    turn = turn.then(() => seal(values)).then((value) => value && say({ type: 'keep', key: 'sealed', value }), reportError);
  });
}
start(root, {
  company: root.dataset.company,
  name: root.dataset.name,
  notice: root.dataset.notice,
  onChat: () => say({ type: 'started' }),
  onUnread: (count) => say({ type: 'unread', count }),
});
