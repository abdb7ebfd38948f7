// Whether somebody can see the page: its tab is in front, and no page around it has folded it away.

let covered = false;
const changes = new EventTarget();

export const inSight = () => !covered && !document.hidden;

/** A page around this one shows it or hides it. */
export function cover(hidden) {
  covered = hidden;
  changes.dispatchEvent(new Event('change'));
}

/** Call `listener` when the page may have come into sight, or gone. */
export function onSight(listener, { signal } = {}) {
  changes.addEventListener('change', listener, { signal });
  document.addEventListener('visibilitychange', listener, { signal });
}
