import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setHidden } from './browser.js';

process.env.TZ = 'Europe/Berlin';
const { dayKey, formatBrief, formatDateTime, formatDayAndTime, formatDay, formatTime, onNewDay } = await import(
  '../../static/chatapi/text/times.js'
);

const at = (time) => mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.parse(time) });

test('times follow the reader’s variant of the page’s language', () => {
  assert.equal(formatTime('2026-07-05T12:05:00Z'), '14:05'); // en-GB, of the reader, for a page in en
  assert.match(formatDateTime('2026-07-05T12:05:00Z'), /^Sunday,? 5 July 2026 at 14:05$/);
});

test('days are those of the reader’s time zone', () => {
  assert.equal(dayKey('2026-07-05T22:30:00Z'), dayKey('2026-07-06T10:00:00Z'));
  assert.notEqual(dayKey('2026-07-05T21:30:00Z'), dayKey('2026-07-05T22:30:00Z'));
});

test('days have names', (context) => {
  context.after(() => mock.timers.reset());
  at('2026-07-05T10:00:00Z');
  const cases = [
    ['2026-07-05T00:00:00Z', 'today'],
    ['2026-07-04T21:00:00Z', 'yesterday'],
    ['2026-07-03T10:00:00Z', 'Friday 3 July'],
    ['2025-12-31T10:00:00Z', '31 December 2025'],
    ['2026-07-06T10:00:00Z', 'Monday 6 July'], // a clock that is behind
  ];
  for (const [instant, name] of cases) assert.equal(formatDay(instant).replace(',', ''), name);
});

test('a brief time is the hour today and the day otherwise', (context) => {
  context.after(() => mock.timers.reset());
  at('2026-07-05T10:00:00Z');
  assert.equal(formatBrief('2026-07-05T10:30:00Z'), '12:30');
  assert.equal(formatBrief('2026-07-04T06:00:00Z'), '4 Jul');
  assert.equal(formatBrief('2025-07-05T10:30:00Z'), '5 Jul 2025');
  assert.equal(formatDayAndTime('2026-07-05T10:30:00Z'), '5 Jul, 12:30');
  assert.equal(formatDayAndTime('2025-07-05T10:30:00Z'), '5 Jul 2025, 12:30');
});

test('a new day is reported once, by a timer or when the page comes back', (context) => {
  context.after(() => mock.timers.reset());
  at('2026-07-05T21:58:30Z');
  const controller = new AbortController();
  const listener = mock.fn();
  onNewDay(listener, { signal: controller.signal });
  mock.timers.tick(60_000);
  assert.equal(listener.mock.callCount(), 0);
  mock.timers.tick(120_000);
  assert.equal(listener.mock.callCount(), 1);
  mock.timers.setTime(Date.parse('2026-07-07T10:00:00Z')); // after a sleep
  setHidden(false);
  dispatchEvent(new Event('focus'));
  assert.equal(listener.mock.callCount(), 2);
  controller.abort();
  mock.timers.setTime(Date.parse('2026-07-09T10:00:00Z'));
  mock.timers.tick(120_000);
  dispatchEvent(new Event('pageshow'));
  assert.equal(listener.mock.callCount(), 2);
});
