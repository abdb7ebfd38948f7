// Find out whether a person can see the page: its tab is in front, and no page around it hides it.

let covered = false;
const changes = new EventTarget();

export const isVisible = () => !covered && !document.hidden;

/**
 * Set whether the page around this one hides it.
 *
 * @param {boolean} hidden
 */
export function setCovered(hidden) {
  covered = hidden;
  changes.dispatchEvent(new Event('change'));
}

/**
 * Call `listener` whenever `isVisible` may have changed.
 *
 * @param {() => void} listener
 * @param {{signal?: AbortSignal}} [options]
 */
export function onVisibilityChange(listener, { signal } = {}) {
  changes.addEventListener('change', listener, { signal });
  document.addEventListener('visibilitychange', listener, { signal });
}

/**
 * Whether any tab of a group is visible. Each visible tab holds a lock, which the browser releases even if it crashes.
 */
export class SharedVisibility {
  /** @param {string} name the group's */
  constructor(name) {
    this.name = `${name}:visible`;
    /** @type {(() => void) | null} */
    this.release = null;
    onVisibilityChange(() => this.update());
    this.update();
  }

  update() {
    if (!isVisible()) {
      this.release?.();
      this.release = null;
    } else if (!this.release && navigator.locks) {
      /** @type {Promise<void>} */
      const released = new Promise((resolve) => {
        this.release = () => resolve();
      });
      navigator.locks.request(this.name, { mode: 'shared' }, () => released).catch(() => {});
    }
  }

  async isVisibleAnywhere() {
    if (isVisible()) return true;
    const held = (await navigator.locks?.query())?.held ?? [];
    return held.some(({ name }) => name === this.name);
  }
}
