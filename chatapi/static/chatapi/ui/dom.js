// Builds the document from elements and text nodes, so that user input is never parsed as HTML.

/**
 * Create an element.
 *
 * `properties` are set as properties, except `class`, `data` (an object), `on` (listeners by event), and `for`, `role`
 * and names with a dash, which are set as attributes. Null and undefined are skipped. `children` are nodes or text;
 * null, undefined and false are skipped.
 *
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, any>} [properties]
 * @param {...any} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key === 'class') created.className = value;
    else if (key === 'data') Object.assign(created.dataset, value);
    else if (key === 'on') {
      for (const [type, listener] of Object.entries(value)) created.addEventListener(type, listener);
    } else if (key.includes('-') || key === 'role' || key === 'for') created.setAttribute(key, value);
    else created[key] = value;
  }
  created.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return created;
}

/**
 * The first element below `root` that matches `selector`. Throws an Error if there is none.
 *
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {any} of the type that the caller's template has it in
 */
export function find(selector, root = document) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

/**
 * A name that a user chose, isolated so that its direction does not affect the text around it.
 *
 * @param {string} text
 */
export function bdi(text) {
  return element('bdi', {}, text);
}
