// The files of a message.

import { gettext, interpolate } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { formatSize, kindOf, pathOf } from './files.js';

const THUMBNAIL = { width: 320, height: 240 }; // pixels, at most
const LINKS_VALID = 50 * 60_000; // milliseconds; the server's are valid for an hour

/** @typedef {(id: number) => Promise<any>} Refresh fetches an attachment with fresh links */

/**
 * The size at which an image is shown, which is known before it is loaded.
 *
 * @param {{width: number | null, height: number | null}} image
 */
export function thumbnailSize({ width, height }) {
  if (!width || !height) return THUMBNAIL;
  const scale = Math.min(1, THUMBNAIL.width / width, THUMBNAIL.height / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Return whether an attachment is shown as an image. */
export const isImage = ({ status, thumbnail_url: thumbnail, content_type: type }) =>
  status === 'ready' && Boolean(thumbnail) && type.startsWith('image/');

/**
 * @param {any[]} attachments
 * @param {Refresh} refresh
 * @returns {HTMLElement | null} null without attachments
 */
export function renderAttachments(attachments, refresh) {
  if (!attachments?.length) return null;
  const images = attachments.filter(isImage);
  return element(
    'ul',
    { class: 'files', 'aria-label': gettext('Files') },
    ...attachments.map((each) =>
      element(
        'li',
        {},
        isImage(each) ? renderThumbnail(each, refresh, () => open(images, each, refresh)) : renderFile(each, refresh),
      ),
    ),
  );
}

/** The gallery is loaded when it is first opened. */
async function open(images, image, refresh) {
  const { openGallery } = await import('./gallery.js');
  openGallery(images, image, refresh);
}

function renderThumbnail(attachment, refresh, onOpen) {
  const { id, name, placeholder } = attachment;
  const size = thumbnailSize(attachment);
  const blur = placeholder ? element('img', { class: 'blur', alt: '', src: placeholder, ...size }) : null;
  const image = element('img', { alt: '', loading: 'lazy', decoding: 'async', ...size });
  image.addEventListener('load', () => blur?.remove());
  load(image, attachment, 'thumbnail_url', refresh);
  return element(
    'button',
    {
      type: 'button',
      class: 'thumbnail',
      tabIndex: -1,
      title: name,
      'aria-label': interpolate(gettext('Open image %(name)s'), { name }),
      data: { action: `file-${id}` },
      on: { click: onOpen },
    },
    blur,
    image,
  );
}

function renderFile(attachment, refresh) {
  const { name, status, content_type: type, size } = attachment;
  if (status !== 'ready') {
    const text =
      status === 'processing' ? gettext('%(name)s is being checked …') : gettext('%(name)s could not be shown.');
    return element('span', { class: 'file quiet' }, interpolate(text, { name }));
  }
  const link = downloadLink(
    attachment,
    refresh,
    element('bdi', { class: 'file-name' }, name),
    element('span', { class: 'file-about' }, `${formatSize(size)} · ${kindOf(attachment)}`),
  );
  const kind = type.split('/')[0];
  if (kind !== 'audio' && kind !== 'video') return link;
  const player = element(kind, { controls: true, preload: 'metadata', 'aria-label': name, class: 'player' });
  load(player, attachment, 'url', refresh);
  return element('div', { class: 'media' }, player, link);
}

/**
 * A link that saves the file.
 *
 * @param {any} attachment
 * @param {Refresh} refresh
 * @param {...any} children
 */
export function downloadLink({ id, name, url }, refresh, ...children) {
  let since = Date.now();
  const link = element('a', { class: 'file', href: pathOf(url), download: name }, ...children);
  link.addEventListener('click', async (event) => {
    if (Date.now() - since < LINKS_VALID) return;
    event.preventDefault();
    const fresh = await refresh(id).catch(() => null);
    since = Date.now();
    if (fresh?.url) link.href = pathOf(fresh.url);
    link.click();
  });
  return link;
}

/**
 * Load an image, a sound or a video; if that fails, once more by a fresh link, because links expire.
 *
 * @param {HTMLImageElement | HTMLMediaElement} node
 * @param {any} attachment
 * @param {'url' | 'thumbnail_url'} field
 * @param {Refresh} refresh
 */
export function load(node, attachment, field, refresh) {
  node.addEventListener(
    'error',
    () => {
      refresh(attachment.id)
        .then((fresh) => {
          if (fresh[field]) node.src = pathOf(fresh[field]);
        })
        .catch(() => {});
    },
    { once: true },
  );
  node.src = pathOf(attachment[field]);
}
