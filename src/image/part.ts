/** Views on a {@link RandomAccess}: a part of it (a partition), and a cache that turns small reads into few large ones. */
import { UnsuitableError } from '../errors.ts';
import type { RandomAccess } from './random-access.ts';

/** The error for an image that cannot be used: one line that names the source. */
export function unsuitable(source: Pick<RandomAccess, 'name'>, what: string, next?: string): UnsuitableError {
  return new UnsuitableError(`${source.name}: ${what}`, next === undefined ? {} : { next });
}

/**
 * Refuses a range that is not wholly inside the source. Offsets in images are 64 bits wide; whatever a double cannot
 * hold exactly is beyond any file we could have.
 * @throws UnsuitableError
 */
export function checkRange(source: Pick<RandomAccess, 'name' | 'size'>, offset: number, length: number): void {
  const sane = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!sane || offset + length > source.size) {
    throw unsuitable(source, `damaged: needs ${length} bytes at offset ${offset}, the data ends at ${source.size}`);
  }
}

/** A 64-bit little-endian field. @throws UnsuitableError over 2^53, which no offset or size of a real image reaches */
export function readUint64(source: Pick<RandomAccess, 'name'>, buffer: Buffer, at: number): number {
  const value = buffer.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw unsuitable(source, `damaged: absurd 64-bit value ${value}`);
  return Number(value);
}

/**
 * The bytes from `offset` (`length` of them) as a source of its own, offsets counted from its start.
 * @throws UnsuitableError when the part reaches out of the source
 */
export function partOf(source: RandomAccess, offset: number, length: number): RandomAccess {
  checkRange(source, offset, length);
  const part = { name: source.name, size: length };
  return {
    ...part,
    async read(from, count) {
      checkRange(part, from, count);
      return source.read(offset + from, count);
    },
  };
}

export interface CacheOptions {
  /** Bytes fetched at least at once, aligned; a power of two. */
  readonly blockSize: number;
  /** Bytes kept; least recently used blocks go first. Reads of more than half of it pass by the cache. */
  readonly maxBytes: number;
}

/** Adjacent missing blocks are fetched with one read; concurrent readers of a block share the read. */
export function cached(source: RandomAccess, options: CacheOptions): RandomAccess {
  const { blockSize, maxBytes } = options;
  const blocks = new Map<number, Promise<Buffer>>();

  function fetchRun(first: number, count: number): void {
    const start = first * blockSize;
    const run = source.read(start, Math.min(count * blockSize, source.size - start));
    for (let index = 0; index < count; index++) {
      const number = first + index;
      // Copied, so that an evicted neighbour does not stay in memory through a shared buffer.
      const block = run.then((bytes) => Buffer.from(bytes.subarray(index * blockSize, (index + 1) * blockSize)));
      blocks.set(number, block);
      block.catch(() => blocks.delete(number));
    }
  }

  function touch(number: number): Promise<Buffer> {
    const block = blocks.get(number);
    if (block === undefined) throw new Error(`cache block ${number} was not fetched`);
    blocks.delete(number);
    blocks.set(number, block);
    return block;
  }

  function evict(): void {
    for (const number of blocks.keys()) {
      if (blocks.size * blockSize <= maxBytes) return;
      blocks.delete(number);
    }
  }

  return {
    name: source.name,
    size: source.size,
    async read(offset, length) {
      checkRange(source, offset, length);
      if (length === 0) return Buffer.alloc(0);
      if (length > maxBytes / 2) return source.read(offset, length);
      const first = Math.floor(offset / blockSize);
      const last = Math.floor((offset + length - 1) / blockSize);
      for (let number = first; number <= last; number++) {
        if (blocks.has(number)) continue;
        let end = number + 1;
        while (end <= last && !blocks.has(end)) end++;
        fetchRun(number, end - number);
      }
      const wanted: Promise<Buffer>[] = [];
      for (let number = first; number <= last; number++) wanted.push(touch(number));
      evict();
      const parts = await Promise.all(wanted);
      const start = offset - first * blockSize;
      const whole = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      return whole.subarray(start, start + length);
    },
  };
}
