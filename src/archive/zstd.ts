/** zstd in plain JavaScript: for Node 20, and for several frames in a row. */
import { UnsuitableError } from '../errors.ts';

/** Largest zstd window, as log2 of bytes; larger ones cost minutes and gigabytes. */
const WINDOW_LOG_MAX = 27;
/** Bytes that are decoded at a time: small pieces make the decoder copy its window too often. */
const PIECE = 256 * 1024;

/** Unpacks zstd data. @throws UnsuitableError for a window that is too large; the decoder's error for damaged data */
export async function* decodeZstd(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { Decompress } = await import('fzstd');
  const ready: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => {
    if (chunk.length > 0) ready.push(chunk);
  });
  let first = true;
  for await (const piece of inPieces(compressed)) {
    if (first) checkWindow(piece);
    first = false;
    decoder.push(piece);
    yield* ready.splice(0);
  }
  decoder.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

async function* inPieces(source: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    held.push(chunk);
    size += chunk.length;
    if (size < PIECE) continue;
    yield Buffer.concat(held);
    held = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(held);
}

/** Frame header of RFC 8878, section 3.1.1.1. */
function checkWindow(head: Buffer): void {
  const descriptor = head[4] ?? 0;
  const singleSegment = (descriptor & 0x20) !== 0;
  const exponent = (head[5] ?? 0) >> 3;
  if (!singleSegment && exponent + 10 > WINDOW_LOG_MAX) {
    throw new UnsuitableError(`zstd window of 2^${exponent + 10} bytes; at most 2^${WINDOW_LOG_MAX} is supported`, {
      next: 'compress it without --ultra --long=28 or more',
    });
  }
}
