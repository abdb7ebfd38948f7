// What the browser keeps for this site. Where it may not keep anything, as in a frame of another site
// with storage blocked, it is kept for as long as the page is open.

const memory = new Map();

function local() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
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
  try {
    if (value === null) local()?.removeItem(key);
    else local()?.setItem(key, JSON.stringify(value));
  } catch {
    // Full, or forbidden: the page itself still knows it.
  }
}
