// Days and times in the reader's language, region and time zone.

// The reader's own variant of the page's language if there is one, such as en-GB for en.
const pageLanguage = document.documentElement.lang || 'en';
const primary = pageLanguage.split('-')[0];
const language = navigator.languages.find((each) => each.split('-')[0] === primary) ?? pageLanguage;
/** @type {Intl.DateTimeFormatOptions} */
const TIME = { hour: 'numeric', minute: '2-digit' };
/** @type {Intl.DateTimeFormatOptions} */
const SHORT_DAY = { day: 'numeric', month: 'short' };
const timeFormat = new Intl.DateTimeFormat(language, TIME);
const dayFormat = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' });
const dayOfYearFormat = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric' });
const fullFormat = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' });
const shortDayFormat = new Intl.DateTimeFormat(language, SHORT_DAY);
const shortDayOfYearFormat = new Intl.DateTimeFormat(language, { ...SHORT_DAY, year: 'numeric' });
const shortFormat = new Intl.DateTimeFormat(language, { ...SHORT_DAY, ...TIME });
const shortOfYearFormat = new Intl.DateTimeFormat(language, { ...SHORT_DAY, year: 'numeric', ...TIME });
const relativeFormat = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });

/** The hour and minute of an ISO 8601 time. */
export const formatTime = (instant) => timeFormat.format(new Date(instant));

/** The full date and time, for a title. */
export const formatDateTime = (instant) => fullFormat.format(new Date(instant));

/** A key of the day in the reader's time zone: equal for times on the same day. */
export function dayKey(instant) {
  const date = new Date(instant);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** "today", "yesterday", "Monday, 5 July" or "5 July 2021". */
export function formatDay(instant) {
  const date = new Date(instant);
  const today = new Date();
  const difference = Math.round((midnight(date) - midnight(today)) / 86_400_000);
  if (difference === 0 || difference === -1) return relativeFormat.format(difference, 'day');
  return date.getFullYear() === today.getFullYear() ? dayFormat.format(date) : dayOfYearFormat.format(date);
}

/** The time if it is today, otherwise the day: "14:05", "5 Jul" or "5 Jul 2021". */
export function formatBrief(instant) {
  const today = new Date();
  if (dayKey(instant) === dayKey(today)) return formatTime(instant);
  const date = new Date(instant);
  return (date.getFullYear() === today.getFullYear() ? shortDayFormat : shortDayOfYearFormat).format(date);
}

/** The day and the time: "5 Jul, 14:05" or "5 Jul 2021, 14:05". */
export function formatDayAndTime(instant) {
  const date = new Date(instant);
  return (date.getFullYear() === new Date().getFullYear() ? shortFormat : shortOfYearFormat).format(date);
}

/**
 * Call `listener` when the reader's day changes: soon after midnight, or when the machine wakes up.
 *
 * @param {() => void} listener
 * @param {{signal: AbortSignal}} options
 */
export function onNewDay(listener, { signal }) {
  let today = dayKey(new Date());
  const check = () => {
    const now = dayKey(new Date());
    if (now === today) return;
    today = now;
    listener();
  };
  const timer = setInterval(check, 60_000); // a timer set to midnight would stop while the machine sleeps
  signal.addEventListener('abort', () => clearInterval(timer));
  document.addEventListener('visibilitychange', check, { signal });
  for (const type of ['focus', 'pageshow']) addEventListener(type, check, { signal });
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
