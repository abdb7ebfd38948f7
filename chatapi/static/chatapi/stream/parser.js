// The text/event-stream format.

/**
 * A block of an event stream. A field that was not sent is absent.
 *
 * @typedef {object} Block
 * @property {string} [id]
 * @property {string} [type]
 * @property {string} [data]
 * @property {number} [retry] milliseconds
 */

/**
 * Yield the blocks of a response body. A comment line, the server's heartbeat, makes a block without fields.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<Block, void>}
 */
export async function* parseBlocks(body) {
  const decoder = /** @type {ReadableWritablePair<string, Uint8Array>} */ (new TextDecoderStream());
  const reader = body.pipeThrough(decoder).getReader();
  let rest = '';
  /** @type {Block} */
  let block = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split(/\r\n|\n|\r/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        yield block;
        block = {};
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'id') block.id = text;
      else if (name === 'event') block.type = text;
      else if (name === 'data') block.data = block.data === undefined ? text : `${block.data}\n${text}`;
      else if (name === 'retry') block.retry = Number(text);
    }
  }
}
