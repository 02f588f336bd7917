/** Bytes on their way, measured: how many there are, and how many before the zeros that end them. Pure. */
export class Measured implements AsyncIterable<Uint8Array> {
  /** Bytes that have passed so far. */
  size = 0;
  /** Where the zeros begin that they end with so far. */
  contentEnd = 0;
  readonly #bytes: AsyncIterable<Uint8Array>;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#bytes = bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#bytes) {
      const content = contentLength(chunk);
      if (content > 0) this.contentEnd = this.size + content;
      this.size += chunk.length;
      yield chunk;
    }
  }
}

/** Length without the zeros at the end. */
function contentLength(chunk: Uint8Array): number {
  let end = chunk.length;
  while (end > 0 && chunk[end - 1] === 0) end -= 1;
  return end;
}
