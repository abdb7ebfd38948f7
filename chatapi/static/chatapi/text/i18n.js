// Translations into the page's language. Django's catalog script, which runs before the modules, provides them.

const catalog = globalThis.django ?? {
  gettext: (text) => text,
  ngettext: (one, many, count) => (count === 1 ? one : many),
};

/** @type {(text: string) => string} */
export const gettext = catalog.gettext;

/** @type {(one: string, many: string, count: number) => string} */
export const ngettext = catalog.ngettext;

/**
 * Replace each `%(name)s` of `text` by `values.name`.
 *
 * @param {string} text
 * @param {Record<string, any>} values
 */
export function interpolate(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));
}

/**
 * Join `names` as a sentence does: “Gina, Hugo and Bob”.
 *
 * @param {string[]} names
 */
export function formatList(names) {
  return new Intl.ListFormat(document.documentElement.lang || undefined).format(names);
}
