// Encryption for values that another website stores on behalf of the panel. The key is in a cookie of this site, which
// browsers partition by the website around the panel, so the website's scripts cannot read the values.

const NAME = 'chatapi_panel_key';
const YEAR = 365 * 24 * 60 * 60;
const NONCE = 12; // bytes, as AES-GCM requires
const MAX_LENGTH = 1_000_000; // characters of a sealed text

const toText = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const toBytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function cookie() {
  const found = document.cookie.split('; ').find((each) => each.startsWith(`${NAME}=`));
  return found ? found.slice(NAME.length + 1) : null;
}

/** The key; null if there is none, or if the browser does not accept the cookie. */
async function getKey({ create }) {
  try {
    if (create && !cookie()) {
      const fresh = toText(crypto.getRandomValues(new Uint8Array(32)));
      // Scripts read it, so it is not HttpOnly; the path keeps it out of all other requests.
      // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in older browsers.
      document.cookie = `${NAME}=${fresh}; Path=/embed; Max-Age=${YEAR}; Secure; SameSite=None; Partitioned`;
    }
    const text = cookie(); // read back, because the browser may have rejected it
    return text && (await crypto.subtle.importKey('raw', toBytes(text), 'AES-GCM', false, ['encrypt', 'decrypt']));
  } catch {
    return null; // the context is not secure, or the cookie holds no key
  }
}

/**
 * Encrypt JSON `values`, so that only this site can read them. Returns null if there is no key.
 *
 * @param {Record<string, any>} values
 * @returns {Promise<string | null>}
 */
export async function seal(values) {
  const key = await getKey({ create: true });
  if (!key) return null;
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const plain = new TextEncoder().encode(JSON.stringify(values));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain));
  return toText([...iv, ...sealed]);
}

/**
 * Decrypt what `seal` returned. Returns an empty object for anything else.
 *
 * @param {unknown} text
 * @returns {Promise<Record<string, any>>}
 */
export async function unseal(text) {
  try {
    if (typeof text !== 'string' || text.length > MAX_LENGTH) return {};
    const key = await getKey({ create: false });
    const bytes = toBytes(text);
    const algorithm = { name: 'AES-GCM', iv: bytes.slice(0, NONCE) };
    const plain = await crypto.subtle.decrypt(algorithm, key, bytes.slice(NONCE));
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return {};
  }
}
