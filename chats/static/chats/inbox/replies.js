// The dialog for choosing a saved reply.

import { gettext } from '../../chatapi/text/i18n.js';
import { fold, shorten } from '../../chatapi/text/text.js';
import { bdi, element } from '../../chatapi/ui/dom.js';

/**
 * Let the agent choose a saved reply of a company.
 *
 * @param {Pick<import('../../chatapi/api/client.js').Api, 'get'>} api
 * @param {number} companyId
 * @param {(error: any) => void} onError called if the replies cannot be loaded
 * @returns {Promise<string | null>} the reply's text; null if none was chosen
 */
export async function chooseReply(api, companyId, onError) {
  let replies;
  try {
    replies = (await api.get(`/api/companies/${companyId}/replies?per_page=249`)).data;
  } catch (error) {
    onError(error);
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
      element(
        'form',
        { method: 'dialog', class: 'actions' },
        element('button', { class: 'button secondary' }, gettext('Cancel')),
      ),
    );

    function draw() {
      const words = fold(search.value).split(/\s+/).filter(Boolean);
      const matching = replies.filter(({ title, text }) => {
        const whole = fold(`${title} ${text}`);
        return words.every((word) => whole.includes(word));
      });
      list.replaceChildren(
        ...matching.map((reply) =>
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
      if (!matching.length) {
        list.append(
          element(
            'li',
            { class: 'quiet' },
            replies.length ? gettext('No results.') : gettext('Your company has no saved replies yet.'),
          ),
        );
      }
    }

    /** @returns {HTMLElement | null} */
    const firstReply = () => list.querySelector('.reply');

    function choose(reply) {
      chosen = reply.text;
      dialog.close();
    }

    search.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') {
        event.preventDefault();
        firstReply()?.click();
      } else if (event.key === 'ArrowDown') {
        event.preventDefault();
        firstReply()?.focus();
      }
    });
    document.body.append(dialog);
    draw();
    dialog.showModal();
    search.focus();
  });
}
