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

/**
 * Whether any tab of a group is in sight. Each one that is holds a lock, which a tab that crashes gives back, too.
 */
export class SharedSight {
  constructor(name) {
    this.name = `${name}:in-sight`;
    this.release = null;
    onSight(() => this.hold());
    this.hold();
  }

  hold() {
    if (!inSight()) {
      this.release?.();
      this.release = null;
    } else if (!this.release && navigator.locks) {
      const until = new Promise((resolve) => {
        this.release = resolve;
      });
      navigator.locks.request(this.name, { mode: 'shared' }, () => until).catch(() => {});
    }
  }

  async isAnywhere() {
    if (inSight()) return true;
    const { held = [] } = (await navigator.locks?.query()) ?? {};
    return held.some(({ name }) => name === this.name);
  }
}
