// Answers prepared in advance: a dialog to find one in.

import { bdi, element } from '../../chatapi/ui/dom.js';
import { folded, shorten } from '../../chatapi/text/text.js';
import { gettext } from '../../chatapi/text/i18n.js';

/** Let the agent choose a saved reply of a company: its text, or null. `onFault(error)` when there is
 *  none to be had. */
export async function chooseReply(api, companyId, onFault) {
  let replies;
  try {
    replies = (await api.get(`/api/companies/${companyId}/replies?per_page=249`)).data;
  } catch (error) {
    onFault(error);
    return null;
  }
  return new Promise((resolve) => {
    let chosen = null;
    const list = element('ul', { class: 'replies' });
    const search = element('input', {
      type: 'search',
      'aria-label': gettext('Search saved replies'),
      placeholder: gettext('Search'),
      on: { input: () => draw() },
    });
    const dialog = element(
      'dialog',
      {
        class: 'dialog wide',
        'aria-labelledby': 'replies-title',
        on: {
          close: () => {
            dialog.remove();
            resolve(chosen);
          },
        },
      },
      element('h2', { id: 'replies-title' }, gettext('Saved replies')),
      search,
      list,
      element('form', { method: 'dialog', class: 'actions' }, element('button', { class: 'button secondary' }, gettext('Cancel'))),
    );

    function draw() {
      const words = folded(search.value).split(/\s+/).filter(Boolean);
      const fitting = replies.filter(({ title, text }) => {
        const whole = folded(`${title} ${text}`);
        return words.every((word) => whole.includes(word));
      });
      list.replaceChildren(
        ...fitting.map((reply) =>
          element(
            'li',
            {},
            element(
              'button',
              { type: 'button', class: 'reply', on: { click: () => choose(reply) } },
              element('strong', {}, bdi(reply.title)),
              element('span', { class: 'quiet' }, bdi(shorten(reply.text, 160))),
            ),
          ),
        ),
      );
      if (!fitting.length) {
        list.append(element('li', { class: 'quiet' }, replies.length ? gettext('Nothing fits.') : gettext('Your company has no saved replies yet.')));
      }
    }

    function choose(reply) {
      chosen = reply.text;
      dialog.close();
    }

    search.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') {
        event.preventDefault();
        list.querySelector('.reply')?.click();
      } else if (event.key === 'ArrowDown') {
        event.preventDefault();
        list.querySelector('.reply')?.focus();
      }
    });
    document.body.append(dialog);
    draw();
    dialog.showModal();
    search.focus();
  });
}
