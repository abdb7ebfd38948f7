// Days and times as the reader's language and place write them.

// The page's language as the reader's own settings have it: en-GB for en, where that is what they read.
const page = document.documentElement.lang || 'en';
const language = navigator.languages.find((each) => each.split('-')[0] === page.split('-')[0]) ?? page;
const time = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' });
const day = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' });
const dayOfYear = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'long', year: 'numeric' });
const whole = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' });
const shortDay = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' });
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });

/** The hour and minute of a time in ISO 8601. */
export const hour = (instant) => time.format(new Date(instant));

/** All of it, for a title. */
export const moment = (instant) => whole.format(new Date(instant));

/** What tells days apart, of the reader's own. */
export function dayKey(instant) {
  const date = new Date(instant);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** "today", "yesterday", "Monday, 5 July", "5 July 2021". */
export function dayName(instant) {
  const date = new Date(instant);
  const today = new Date();
  const apart = Math.round((midnight(date) - midnight(today)) / 86_400_000);
  if (apart === 0 || apart === -1) return relative.format(apart, 'day');
  return date.getFullYear() === today.getFullYear() ? day.format(date) : dayOfYear.format(date);
}

/** The time of a moment of today, the day of another. */
export function briefly(instant) {
  return dayKey(instant) === dayKey(new Date()) ? hour(instant) : shortDay.format(new Date(instant));
}

/** Call `listener` when the reader's day has changed: soon after midnight, or after a sleep. */
export function onNewDay(listener, { signal }) {
  let today = dayKey(new Date());
  const check = () => {
    const now = dayKey(new Date());
    if (now === today) return;
    today = now;
    listener();
  };
  const clock = setInterval(check, 60_000); // a timer set to midnight would stand still during a sleep
  signal.addEventListener('abort', () => clearInterval(clock));
  document.addEventListener('visibilitychange', check, { signal });
  for (const type of ['focus', 'pageshow']) addEventListener(type, check, { signal });
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
