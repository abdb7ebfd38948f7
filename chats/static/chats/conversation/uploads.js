// The files of the message that is being written: they are uploaded at once, and sent with the message. A page loads
// this module with the first file.

import { OfflineError } from '../../chatapi/api/client.js';
import { gettext, interpolate, ngettext } from '../../chatapi/text/i18n.js';
import { element } from '../../chatapi/ui/dom.js';
import { describeError } from './errors.js';
import { formatSize, kindOf } from './files.js';

// Names that browsers have for types of the server.
const SAME_AS = {
  'application/x-zip-compressed': 'application/zip',
  'application/x-gzip': 'application/gzip',
  'application/ogg': 'audio/ogg',
  'application/yaml': 'application/x-yaml',
};
const MAX_PARALLEL = 2; // uploads; browsers have few connections to a host
const FINAL = ['file_too_large', 'file_type', 'validation_failed']; // errors that another attempt cannot change

/** @typedef {{files: number, bytes: number, types: string[]}} Limits of a message, of a file, and the allowed types */

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {'waiting' | 'uploading' | 'done' | 'failed'} state
 * @property {any} attachment the response; null until done
 * @property {XMLHttpRequest | null} request
 * @property {HTMLElement} node
 * @property {HTMLProgressElement} progress
 * @property {HTMLElement} note
 * @property {HTMLElement} retry
 * @property {string | null} preview an object URL
 */

/** @returns {Limits} */
export function readLimits() {
  const limits = document.getElementById('file-limits')?.textContent;
  return limits ? JSON.parse(limits) : { files: 0, bytes: 0, types: [] };
}

/**
 * Return whether a type fits one of the patterns, such as `image/*`. The server decides about a file without a type.
 *
 * @param {string} type
 * @param {string[]} patterns
 */
export function isAllowed(type, patterns) {
  const known = SAME_AS[type] ?? type;
  return (
    known === '' ||
    patterns.some((pattern) => (pattern.endsWith('*') ? known.startsWith(pattern.slice(0, -1)) : known === pattern))
  );
}

/**
 * A sentence that says why a file cannot be attached; null if it can.
 *
 * @param {{name: string, size: number, type: string}} file
 * @param {Limits} limits
 * @param {number} count how many files the message has
 */
export function refusal({ name, size, type }, limits, count) {
  if (count >= limits.files) {
    const text = ngettext(
      'A message can have at most %(n)s file.',
      'A message can have at most %(n)s files.',
      limits.files,
    );
    return interpolate(text, { n: limits.files });
  }
  if (size === 0) return interpolate(gettext('“%(name)s” is empty.'), { name });
  if (size > limits.bytes) {
    return interpolate(gettext('“%(name)s” is larger than %(size)s.'), { name, size: formatSize(limits.bytes) });
  }
  if (!isAllowed(type, limits.types)) {
    return interpolate(gettext('“%(name)s” is of a type that is not allowed.'), { name });
  }
  return null;
}

export class Uploads {
  /**
   * @param {object} options
   * @param {import('../../chatapi/api/client.js').Api} options.api
   * @param {string} options.path the chat's, in the API
   * @param {Limits} [options.limits]
   */
  constructor({ api, path, limits = readLimits() }) {
    this.api = api;
    this.path = `${path}/attachments`;
    this.limits = limits;
    this.onChange = () => {};
    this.onRemoved = () => {}; // the last one, by its button
    /** @type {Upload[]} */
    this.items = [];
    this.list = element('ul', { class: 'uploads', 'aria-label': gettext('Attached files'), hidden: true });
    this.error = element('p', { class: 'error', role: 'alert', hidden: true });
    this.said = element('p', { class: 'unseen', role: 'status' });
    this.node = element('div', { class: 'attaching' }, this.list, this.error, this.said);
  }

  get isEmpty() {
    return this.items.length === 0;
  }

  get isBusy() {
    return this.items.some(({ state }) => state === 'waiting' || state === 'uploading');
  }

  get hasFailed() {
    return this.items.some(({ state }) => state === 'failed');
  }

  /** Let the list be used by another conversation with the same chat user. */
  adopt(api, { onChange, onRemoved }) {
    this.api = api;
    this.onChange = onChange;
    this.onRemoved = onRemoved;
  }

  /** @param {File[]} files */
  add(files) {
    const refused = new Set();
    for (const file of files) {
      const reason = refusal(file, this.limits, this.items.length);
      if (reason) refused.add(reason);
      else this.items.push(this.createItem(file));
    }
    this.error.textContent = [...refused].join(' ');
    this.error.hidden = refused.size === 0;
    this.change();
  }

  /** @returns {import('./outbox.js').SentFile[]} the uploaded files, as a message has them */
  get sent() {
    return this.items.map(({ attachment: { id, name } }) => ({ id, name }));
  }

  /** Let go of the files: they belong to a message now. */
  clear() {
    for (const item of this.items) this.drop(item);
    this.error.hidden = true;
    this.change();
  }

  createItem(file) {
    const { name } = file;
    const preview = file.type.startsWith('image/') ? URL.createObjectURL(file) : null;
    const image = preview
      ? element('img', { class: 'upload-preview', alt: '', src: preview, on: { error: () => image?.remove() } })
      : null;
    /** @type {Upload} */
    const item = {
      file,
      state: 'waiting',
      attachment: null,
      request: null,
      preview,
      progress: element('progress', {
        max: 1,
        value: 0,
        'aria-label': interpolate(gettext('Upload of %(name)s'), { name }),
      }),
      note: element('span', { class: 'upload-note quiet' }),
      retry: element(
        'button',
        {
          class: 'link',
          type: 'button',
          'aria-label': interpolate(gettext('Try again: %(name)s'), { name }),
          hidden: true,
          on: { click: () => this.retry(item) },
        },
        gettext('Try again'),
      ),
      node: element('li', { class: 'upload' }),
    };
    item.node.append(
      image ?? element('span', { class: 'upload-preview', 'aria-hidden': 'true' }, kindOf({ name, content_type: '' })),
      element(
        'span',
        { class: 'upload-about' },
        element('bdi', { class: 'upload-name', title: name }, name),
        item.note,
        item.progress,
      ),
      item.retry,
      element(
        'button',
        {
          class: 'link',
          type: 'button',
          'aria-label': interpolate(gettext('Remove %(name)s'), { name }),
          on: { click: () => this.remove(item) },
        },
        gettext('Remove'),
      ),
    );
    this.list.append(item.node);
    return item;
  }

  retry(item) {
    item.state = 'waiting';
    /** @type {HTMLElement | null} */ (item.retry.nextElementSibling)?.focus(); // the button that was pressed disappears
    this.change();
  }

  remove(item) {
    const next = this.items[this.items.indexOf(item) + 1] ?? this.items.at(-2);
    /** @type {HTMLElement | null | undefined} */
    const neighbour = next?.node.querySelector('button:last-child');
    this.drop(item);
    if (item.attachment) this.api.delete(`${this.path}/${item.attachment.id}`).catch(() => {}); // pruned after a day
    this.error.hidden = true;
    this.said.textContent = interpolate(gettext('Removed %(name)s.'), { name: item.file.name });
    this.change();
    if (neighbour) neighbour.focus();
    else this.onRemoved();
  }

  drop(item) {
    this.items = this.items.filter((each) => each !== item);
    item.request?.abort();
    if (item.preview) URL.revokeObjectURL(item.preview);
    item.node.remove();
  }

  /** Start what may start, and show the current state. */
  change() {
    for (const item of this.items) {
      if (this.items.filter(({ state }) => state === 'uploading').length >= MAX_PARALLEL) break;
      if (item.state === 'waiting') this.start(item);
    }
    for (const item of this.items) this.show(item);
    this.list.hidden = this.isEmpty;
    this.onChange();
  }

  start(item) {
    item.state = 'uploading';
    const request = new XMLHttpRequest(); // fetch reports no progress of uploads
    item.request = request;
    item.progress.value = 0;
    request.open('POST', this.path);
    for (const [name, value] of Object.entries(this.api.headers)) request.setRequestHeader(name, value);
    request.responseType = 'json';
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      item.progress.value = total ? loaded / total : 0;
    });
    request.addEventListener('load', () => {
      if (request.status === 201 && request.response) {
        item.state = 'done';
        item.attachment = request.response;
        this.said.textContent = interpolate(gettext('Uploaded %(name)s.'), { name: item.file.name });
        this.change();
      } else {
        const retryAfter = request.getResponseHeader('Retry-After');
        this.fail(item, this.api.errorOf(request.status, request.response ?? {}, retryAfter));
      }
    });
    request.addEventListener('error', () => this.fail(item, new OfflineError()));
    const body = new FormData();
    body.append('file', item.file, item.file.name || 'file');
    request.send(body);
  }

  fail(item, error) {
    item.state = 'failed';
    item.note.textContent = describeError(error);
    item.retry.hidden = FINAL.includes(error.code);
    this.said.textContent = interpolate(gettext('%(name)s: %(text)s'), {
      name: item.file.name,
      text: describeError(error),
    });
    this.change();
  }

  show(item) {
    const failed = item.state === 'failed';
    item.node.classList.toggle('failed', failed);
    item.note.classList.toggle('error', failed);
    item.progress.hidden = failed || item.state === 'done';
    if (failed) return;
    item.retry.hidden = true;
    item.note.textContent = formatSize(item.file.size);
  }
}
