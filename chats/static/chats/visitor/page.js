// The page of a chat, /chats/{id}.

import { find } from '../../chatapi/ui/dom.js';
import { updateVisitor, visit } from './visit.js';

const root = find('#visitor');
const chatId = Number(root.dataset.chat);

/** Move the password from the link's fragment to storage, so that it does not stay in the address bar. */
function takePassword() {
  if (location.hash.length <= 1) return false;
  let password = location.hash.slice(1);
  try {
    password = decodeURIComponent(password);
  } catch {
    // It is not percent-encoded.
  }
  updateVisitor(chatId, { password });
  history.replaceState(null, '', location.pathname + location.search);
  return true;
}

takePassword();
addEventListener('hashchange', () => takePassword() && location.reload()); // the link was opened in this tab
visit(root, { chatId });
