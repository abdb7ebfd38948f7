// What the browser keeps for this site. Where it may not keep anything, as in a frame of another site
// with storage blocked, it is kept for as long as the page is open.

const memory = new Map();
let save = null; // where this page may keep nothing, and another keeps it, sealed

function local() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

/** Whether this page may keep nothing itself. */
export const isBlocked = () => local() === null;

/** Have another page keep what this one may not: it has `values` already, `saveThere(values)` keeps all. */
export function keepElsewhere(values, saveThere) {
  for (const [key, value] of Object.entries(values)) memory.set(key, value);
  save = saveThere;
}

/** What was kept under `key`; null when there is nothing, or nothing that can be read. */
export function kept(key) {
  try {
    const text = local()?.getItem(key) ?? null;
    if (text !== null) return JSON.parse(text);
  } catch {
    return null;
  }
  return memory.get(key) ?? null;
}

/** Keep `value`, which JSON can hold; null forgets. */
export function keep(key, value) {
  if (value === null) memory.delete(key);
  else memory.set(key, value);
  save?.(Object.fromEntries(memory));
  try {
    if (value === null) local()?.removeItem(key);
    else local()?.setItem(key, JSON.stringify(value));
  } catch {
    // Full, or forbidden: the page itself still knows it.
  }
}
