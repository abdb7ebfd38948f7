import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isImage, thumbnailSize } from '../../static/chats/conversation/attachments.js';
import { filesOf, formatSize, kindOf, pathOf, summaryOf } from '../../static/chats/conversation/files.js';
import { isAllowed, refusal } from '../../static/chats/conversation/uploads.js';

const LIMITS = { files: 10, bytes: 25 * 1024 * 1024, types: ['image/*', 'application/pdf', 'application/zip'] };
const PHOTO = { name: 'roses.jpg', size: 2_000_000, type: 'image/jpeg' };

test('sizes are short', () => {
  const sizes = [
    [1, '0.1 kB'],
    [1536, '1.5 kB'],
    [300_000, '293 kB'],
    [1_048_575, '1 MB'],
    [25 * 1024 * 1024, '25 MB'],
  ];
  for (const [bytes, expected] of sizes) assert.equal(formatSize(Number(bytes), 'en'), expected);
});

test('a type is allowed by a pattern, by its own name or by another name that browsers have for it', () => {
  for (const type of ['image/png', 'application/pdf', 'application/x-zip-compressed', '']) {
    assert.ok(isAllowed(type, LIMITS.types), type);
  }
  for (const type of ['application/x-msdownload', 'application/pdfx', 'video/mp4']) {
    assert.ok(!isAllowed(type, LIMITS.types), type);
  }
});

test('a file is refused with a reason', () => {
  assert.equal(refusal(PHOTO, LIMITS, 9), null);
  assert.equal(refusal({ ...PHOTO, size: LIMITS.bytes }, LIMITS, 0), null);
  assert.match(refusal(PHOTO, LIMITS, 10) ?? '', /at most 10 files/);
  assert.match(refusal({ ...PHOTO, size: 0 }, LIMITS, 0) ?? '', /is empty/);
  assert.match(refusal({ ...PHOTO, size: LIMITS.bytes + 1 }, LIMITS, 0) ?? '', /larger than/);
  assert.match(refusal({ ...PHOTO, type: 'video/mp4' }, LIMITS, 0) ?? '', /not allowed/);
});

test('a message without a text is summed up by its first file', () => {
  const attachments = [{ name: 'roses.jpg' }, { name: 'lilies.jpg' }];
  assert.equal(summaryOf({ text: 'Look', attachments }), 'Look');
  assert.equal(summaryOf({ text: '', attachments }), '📎 roses.jpg');
  assert.equal(summaryOf({ text: '' }), '📎 File');
  assert.equal(summaryOf({ text: null, attachments: [] }), null);
});

test('the kind of a file is its ending or, without one, its type', () => {
  assert.equal(kindOf({ name: 'report.final.pdf', content_type: 'application/pdf' }), 'PDF');
  assert.equal(kindOf({ name: 'README', content_type: 'text/plain' }), 'text/plain');
});

test('links keep their path only', () => {
  assert.equal(pathOf('https://chat.test/files/1.o.2/a%20b.png'), '/files/1.o.2/a%20b.png');
});

test('a thumbnail keeps its proportions and is never enlarged', () => {
  assert.deepEqual(thumbnailSize({ width: 800, height: 500 }), { width: 320, height: 200 });
  assert.deepEqual(thumbnailSize({ width: 500, height: 1000 }), { width: 120, height: 240 });
  assert.deepEqual(thumbnailSize({ width: 20, height: 10 }), { width: 20, height: 10 });
  assert.deepEqual(thumbnailSize({ width: 10_000, height: 1 }), { width: 320, height: 1 });
  assert.deepEqual(thumbnailSize({ width: null, height: null }), { width: 320, height: 240 });
});

test('an image is shown once it has a thumbnail', () => {
  const image = { status: 'ready', thumbnail_url: 'https://chat.test/t', content_type: 'image/png' };
  assert.ok(isImage(image));
  assert.ok(!isImage({ ...image, status: 'processing' }));
  assert.ok(!isImage({ ...image, thumbnail_url: null }));
  assert.ok(!isImage({ ...image, content_type: 'application/pdf' }));
});

test('a picture beside copied text is no file', () => {
  const transfer = (types) => /** @type {any} */ ({ types, files: [PHOTO] });
  assert.deepEqual(filesOf(transfer(['Files', 'text/html'])), [PHOTO]);
  assert.deepEqual(filesOf(transfer(['Files', 'text/html', 'text/plain'])), []);
  assert.deepEqual(filesOf(null), []);
});
