// Values that the browser stores for this site. Where it may not store anything, as in a frame of another site with
// storage blocked, they last until the page closes.

/** @type {Map<string, any>} */
const memory = new Map();
/** @type {((values: Record<string, any>) => void) | null} */
let saveElsewhere = null;

function local() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

/** Return whether the browser lets this page store anything. */
export const isStorageBlocked = () => local() === null;

/**
 * Have another page store what this one may not.
 *
 * @param {Record<string, any>} values what it has stored already
 * @param {(values: Record<string, any>) => void} save called with all values after each change
 */
export function delegateStorage(values, save) {
  for (const [key, value] of Object.entries(values)) memory.set(key, value);
  saveElsewhere = save;
}

/**
 * The value stored under `key`; null if there is none, or if it is not readable.
 *
 * @param {string} key
 * @returns {any}
 */
export function getStored(key) {
  try {
    const text = local()?.getItem(key) ?? null;
    if (text !== null) return JSON.parse(text);
  } catch {
    return null;
  }
  return memory.get(key) ?? null;
}

/**
 * Store a JSON value; null deletes it.
 *
 * @param {string} key
 * @param {any} value
 */
export function setStored(key, value) {
  if (value === null) memory.delete(key);
  else memory.set(key, value);
  saveElsewhere?.(Object.fromEntries(memory));
  try {
    if (value === null) local()?.removeItem(key);
    else local()?.setItem(key, JSON.stringify(value));
  } catch {
    // Full or forbidden: the page itself still has the value.
  }
}
