import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnsuitableError } from '../../../src/errors.ts';
import { cached, partOf, readUint64 } from '../../../src/image/part.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import { seeded } from '../../support/make-images.ts';

const next = seeded(5);
const content = Buffer.from(Array.from({ length: 10_000 }, () => next() & 0xff));

describe('partOf', () => {
  it('counts offsets from its start and ends where it ends', async () => {
    const part = partOf(bufferSource(content), 100, 50);
    expect(part.size).toBe(50);
    expect((await part.read(10, 20)).equals(content.subarray(110, 130))).toBe(true);
    await expect(part.read(40, 11)).rejects.toThrow(
      'test.raw: damaged: needs 11 bytes at offset 40, the data ends at 50',
    );
    await expect(part.read(-1, 5)).rejects.toBeInstanceOf(UnsuitableError);
  });

  it.each([
    [9_999, 2],
    [-1, 5],
    [0, -1],
    [Number.NaN, 1],
    [2 ** 60, 1],
    [0.5, 1],
  ])('refuses a part at %d of %d bytes', (offset, length) => {
    expect(() => partOf(bufferSource(content), offset, length)).toThrow(UnsuitableError);
  });
});

describe('readUint64', () => {
  it('refuses what a number cannot hold', () => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(2n ** 53n - 1n);
    expect(readUint64({ name: 'a' }, bytes, 0)).toBe(Number.MAX_SAFE_INTEGER);
    bytes.writeBigUInt64LE(2n ** 53n);
    expect(() => readUint64({ name: 'a' }, bytes, 0)).toThrow(UnsuitableError);
  });
});

describe('cached', () => {
  const options = { blockSize: 256, maxBytes: 2048 };

  it('reads the same bytes as without it, in any order, alone and together', async () => {
    const range = fc.tuple(fc.nat(content.length), fc.nat(3000));
    await fc.assert(
      fc.asyncProperty(fc.array(range, { maxLength: 20 }), fc.boolean(), async (ranges, together) => {
        const source = cached(bufferSource(content), options);
        const check = async ([offset, wanted]: [number, number]) => {
          const length = Math.min(wanted, content.length - offset);
          expect((await source.read(offset, length)).equals(content.subarray(offset, offset + length))).toBe(true);
        };
        if (together) await Promise.all(ranges.map(check));
        else for (const one of ranges) await check(one);
      }),
    );
  });

  it('fetches missing neighbours with one read, and nothing twice', async () => {
    const source = bufferSource(content);
    const cache = cached(source, options);
    await cache.read(300, 10);
    expect(source.reads).toEqual({ count: 1, bytes: 256 });
    await cache.read(10, 1000);
    // Blocks 0 and 2 to 3, for block 1 was there.
    expect(source.reads).toEqual({ count: 3, bytes: 4 * 256 });
    await Promise.all([cache.read(1024, 10), cache.read(1030, 10), cache.read(0, 500)]);
    expect(source.reads.count).toBe(4);
  });

  it('reads up to the end, not beyond', async () => {
    const cache = cached(bufferSource(content), options);
    expect((await cache.read(9_990, 10)).equals(content.subarray(9_990))).toBe(true);
    await expect(cache.read(9_990, 11)).rejects.toBeInstanceOf(UnsuitableError);
    expect((await cache.read(10_000, 0)).length).toBe(0);
  });

  it('passes large reads by, and forgets the oldest blocks', async () => {
    const source = bufferSource(content);
    const cache = cached(source, options);
    await cache.read(1, 1025);
    expect(source.reads).toEqual({ count: 1, bytes: 1025 });
    for (let block = 0; block < 20; block++) await cache.read(block * 256, 1);
    const before = source.reads.count;
    await cache.read(19 * 256, 1);
    expect(source.reads.count).toBe(before);
    await cache.read(0, 1);
    expect(source.reads.count).toBe(before + 1);
  });

  it('tries again after a failure', async () => {
    let failures = 1;
    const flaky = {
      name: 'flaky',
      size: 1000,
      async read(_offset: number, length: number) {
        if (failures-- > 0) throw new Error('once');
        return Buffer.alloc(length);
      },
    };
    const cache = cached(flaky, options);
    await expect(cache.read(0, 10)).rejects.toThrow('once');
    expect((await cache.read(0, 10)).length).toBe(10);
  });
});
