// The page of a chat, /chats/{id}.

import { find } from '../../chatapi/ui/dom.js';
import { remember, visit } from './visit.js';

const root = find('#visitor');
const chatId = Number(root.dataset.chat);

/** The link has the password in its fragment; it need not stay where others can read it. */
function takePassword() {
  if (location.hash.length <= 1) return false;
  let password = location.hash.slice(1);
  try {
    password = decodeURIComponent(password);
  } catch {
    // Not percent-encoded: the password as it stands.
  }
  remember(chatId, { password });
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}

takePassword();
addEventListener('hashchange', () => takePassword() && location.reload()); // a link, opened on its own page
visit(root, { chatId });
