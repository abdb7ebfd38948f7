// What a page that may keep nothing itself hands to another page, so that it is of no use there: the
// key stays here, in a cookie of this site that browsers keep apart for each website around it.

const NAME = 'chatapi_panel_key';
const YEAR = 365 * 24 * 60 * 60;
const NONCE = 12; // bytes, as AES-GCM has them
const LONGEST = 1_000_000; // characters that are read

const toText = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const toBytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function keyText() {
  const found = document.cookie.split('; ').find((each) => each.startsWith(`${NAME}=`));
  return found ? found.slice(NAME.length + 1) : null;
}

/** The key; null where there is none, or where the browser takes no such cookie. */
async function keyOf({ make }) {
  try {
    if (make && !keyText()) {
      const fresh = toText(crypto.getRandomValues(new Uint8Array(32)));
      // Read by this page alone: not HttpOnly, and sent to no other path.
      document.cookie = `${NAME}=${fresh}; Path=/embed; Max-Age=${YEAR}; Secure; SameSite=None; Partitioned`;
    }
    const text = keyText(); // what the browser took, which may be nothing
    return text && (await crypto.subtle.importKey('raw', toBytes(text), 'AES-GCM', false, ['encrypt', 'decrypt']));
  } catch {
    return null; // not a secure context, or no key of ours
  }
}

/** `values`, which JSON can hold, as a text that only this site can read; null where there is no key. */
export async function seal(values) {
  const key = await keyOf({ make: true });
  if (!key) return null;
  const iv = crypto.getRandomValues(new Uint8Array(NONCE));
  const plain = new TextEncoder().encode(JSON.stringify(values));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, plain));
  return toText([...iv, ...sealed]);
}

/** What `seal` was given; nothing when the text is not from here. */
export async function unseal(text) {
  try {
    if (typeof text !== 'string' || text.length > LONGEST) return {};
    const key = await keyOf({ make: false });
    const bytes = toBytes(text);
    const algorithm = { name: 'AES-GCM', iv: bytes.slice(0, NONCE) };
    const plain = await crypto.subtle.decrypt(algorithm, key, bytes.slice(NONCE));
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return {};
  }
}
