// The words of scripts, in the page's language: what the catalog's script, which comes before, has.

const words = globalThis.django ?? {
  gettext: (text) => text,
  ngettext: (one, many, count) => (count === 1 ? one : many),
  interpolate: (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]),
};

export const gettext = words.gettext;
export const ngettext = words.ngettext;

/** `text` with each `%(name)s` replaced by `values.name`. */
export function interpolate(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));
}
