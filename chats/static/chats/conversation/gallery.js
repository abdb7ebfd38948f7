// The images of a message, one at a time, as large as the window.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { downloadLink, load } from './attachments.js';

const SHOWN = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']; // of others, the thumbnail is shown

/**
 * Show the images of a message until the reader closes them.
 *
 * @param {any[]} images attachments
 * @param {any} first the one to begin with
 * @param {import('./attachments.js').Refresh} refresh
 */
export function openGallery(images, first, refresh) {
  let place = images.indexOf(first);
  const opener = /** @type {HTMLElement | null} */ (document.activeElement);
  const frame = element('div', { class: 'gallery-frame' });
  const title = element('p', { class: 'gallery-name', id: 'gallery-name', 'aria-live': 'polite' });
  const save = element('span', {});
  const several = images.length > 1;
  const dialog = element(
    'dialog',
    { class: 'gallery', 'aria-labelledby': 'gallery-name', on: { close: finish, keydown: handleKey } },
    element(
      'div',
      { class: 'gallery-bar' },
      title,
      save,
      several ? button(gettext('Previous image'), '←', () => step(-1)) : null,
      several ? button(gettext('Next image'), '→', () => step(1)) : null,
      button(gettext('Close'), '✕', () => dialog.close()),
    ),
    frame,
  );

  function show() {
    const image = images[place];
    const { name, width, height } = image;
    const node = element('img', { alt: name, ...(width && height && { width, height }) });
    load(node, image, SHOWN.includes(image.content_type) ? 'url' : 'thumbnail_url', refresh);
    frame.replaceChildren(node);
    title.textContent = several
      ? interpolate(gettext('%(name)s (%(n)s of %(count)s)'), { name, n: place + 1, count: images.length })
      : name;
    const focused = save.contains(document.activeElement);
    const link = downloadLink(image, refresh, gettext('Download'));
    save.replaceChildren(link);
    if (focused) link.focus(); // without the focus, the dialog would get no keys
  }

  function step(by) {
    place = (place + by + images.length) % images.length;
    show();
  }

  function handleKey(event) {
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      event.preventDefault();
      if (several) step(event.key === 'ArrowLeft' ? -1 : 1);
    }
    event.stopPropagation(); // the page's own keys rest meanwhile
  }

  function finish() {
    dialog.remove();
    opener?.focus();
  }

  show();
  document.body.append(dialog);
  dialog.showModal();
}

function button(label, sign, listener) {
  return element(
    'button',
    { type: 'button', class: 'button secondary small', title: label, 'aria-label': label, on: { click: listener } },
    sign,
  );
}
