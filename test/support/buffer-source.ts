/** Bytes in memory as an image. */
import { checkRange } from '../../src/image/part.ts';
import type { RandomAccess } from '../../src/image/random-access.ts';

/** A buffer as an image; `reads` counts what a remote source would have to fetch. */
export function bufferSource(
  bytes: Buffer,
  name = 'test.raw',
): RandomAccess & { reads: { count: number; bytes: number } } {
  const reads = { count: 0, bytes: 0 };
  return {
    name,
    size: bytes.length,
    reads,
    async read(offset, length) {
      checkRange({ name, size: bytes.length }, offset, length);
      reads.count++;
      reads.bytes += length;
      return Buffer.from(bytes.subarray(offset, offset + length));
    },
  };
}
