// The document, built of elements and text: what somebody wrote is never read as HTML.

/**
 * An element. `properties` are set as properties of the element, but for `class`, `data` (an object),
 * `on` (listeners by event) and names with a dash or `role`, which are attributes. `children` are
 * nodes or text; null and false are left out.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key === 'class') made.className = value;
    else if (key === 'data') Object.assign(made.dataset, value);
    else if (key === 'on') for (const [type, listener] of Object.entries(value)) made.addEventListener(type, listener);
    else if (key.includes('-') || key === 'role' || key === 'for') made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** The one element that `selector` finds below `root`. An Error when the page lacks it. */
export function find(selector, root = document) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

/** A name as somebody gave it, kept from turning the text around it. */
export function bdi(text) {
  return element('bdi', {}, text);
}

/** What a template left for scripts: the JSON of its `json_script` of this id. */
export function given(id) {
  return JSON.parse(find(`#${id}`).textContent);
}
