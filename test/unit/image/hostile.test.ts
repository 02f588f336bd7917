/** Images changed at random: whatever they say, reading ends soon, with content or with an UnsuitableError. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnsuitableError } from '../../../src/errors.ts';
import { openImage } from '../../../src/image/open-image.ts';
import { bufferSource, makeGpt, seeded } from '../../support/make-images.ts';
import { fixture, readableFixtures, releaseFile, withErofsChecksum } from './fixtures.ts';

const readLimit = 1024 * 1024;
/** Milliseconds for all reads of one image; a whole run is far below. */
const slowestAllowed = 2000;
/** For a long run: EXTUPDATE_FUZZ_MUTANTS=20000 npx vitest run test/unit/image/hostile.test.ts */
const mutantsPerFixture = Number(process.env.EXTUPDATE_FUZZ_MUTANTS ?? 150);
const testTimeout = 60_000 + mutantsPerFixture * 100;

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Reads what extupdate reads of an image, and more. @returns the errors, by message */
async function readAll(bytes: Buffer): Promise<string[]> {
  const errors: string[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnsuitableError)) throw error;
      expect(error.message).toMatch(/^hostile\.raw: [^\n]+$/);
      errors.push(error.message);
      return undefined;
    }
  };
  const started = performance.now();
  await attempt(async () => {
    const image = await openImage(bufferSource(bytes, 'hostile.raw'));
    for (const path of ['', 'usr', 'usr/share', 'usr/lib', 'usr/lib/extension-release.d']) {
      await attempt(() => image.readDirectory(path));
    }
    for (const path of [releaseFile, 'usr/lib/os-release', 'usr/share/prose', 'usr/share/hole', 'usr/link']) {
      await attempt(() => image.readFile(path, readLimit));
    }
    await attempt(() => image.readXattr(releaseFile, 'user.extension-release.strict'));
    await attempt(() => image.readXattr(releaseFile, 'user.unset'));
    await attempt(() => image.readXattr('usr/lib/os-release', 'user.long'));
  });
  expect(performance.now() - started, 'milliseconds').toBeLessThan(slowestAllowed);
  return errors;
}

function mutate(original: Buffer, next: () => number): Buffer {
  const bytes = Buffer.from(original);
  const within = (length: number) => next() % Math.max(1, length);
  for (let changes = 1 + within(4); changes > 0; changes--) {
    const at = within(bytes.length - 8);
    switch (next() % 6) {
      case 0:
        bytes[at] = next();
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (next() % 8));
        break;
      case 2:
        bytes.writeUInt32LE(extremes[next() % extremes.length] ?? 0, at - (at % 4));
        break;
      case 3:
        bytes.writeUInt16LE(next() % 0x10000, at - (at % 2));
        break;
      case 4:
        bytes.copy(bytes, at, within(bytes.length), within(bytes.length));
        break;
      default:
        bytes.fill(0, at, Math.min(bytes.length, at + within(64)));
    }
  }
  // Mostly kept whole: what is merely cut off is refused at once.
  return next() % 10 === 0 ? bytes.subarray(0, within(bytes.length)) : bytes;
}

describe('hostile images', () => {
  it.each(readableFixtures)('%s, changed at random', { timeout: testTimeout }, async (name) => {
    const original = fixture(name);
    const next = seeded(name.length * 7919);
    let failures = 0;
    for (let round = 0; round < mutantsPerFixture; round++) {
      const mutant = mutate(original, next);
      // A superblock with a wrong checksum would hide all else that changed in its block.
      const errors = await readAll(name.endsWith('.erofs') ? withErofsChecksum(mutant) : mutant);
      if (errors.length > 0) failures++;
    }
    expect(failures, 'most changes are noticed').toBeGreaterThan(mutantsPerFixture / 10);
  });

  it.each(readableFixtures)('%s, every byte of its superblock replaced', { timeout: testTimeout }, async (name) => {
    const original = fixture(name);
    const [start, length] = name.endsWith('.erofs') ? [1024, 144] : [0, 96];
    for (let at = start; at < start + length; at++) {
      for (const value of [0, 0xff]) {
        const mutant = Buffer.from(original);
        mutant[at] = value;
        await readAll(name.endsWith('.erofs') ? withErofsChecksum(mutant) : mutant);
      }
    }
  });

  it('gzip.squashfs, cut off at any place', async () => {
    const original = fixture('gzip.squashfs');
    for (let length = 0; length < original.length; length += 7) {
      expect(await readAll(original.subarray(0, length))).not.toEqual([]);
    }
  });

  it('a partition table, changed at random', async () => {
    const original = makeGpt([{ type: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709', content: fixture('lz4.squashfs') }]);
    const next = seeded(3);
    for (let round = 0; round < mutantsPerFixture; round++) {
      const mutant = mutate(original.subarray(0, 4096), next);
      await readAll(Buffer.concat([mutant, original.subarray(mutant.length)]));
    }
  });

  it('any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
        expect(await readAll(Buffer.from(bytes))).toHaveLength(1);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it.each([
    ['squashfs', Buffer.from('hsqs', 'latin1'), 0],
    ['EROFS', Buffer.from([0xe2, 0xe1, 0xf5, 0xe0]), 1024],
    ['GPT', Buffer.from('EFI PART', 'latin1'), 512],
  ])('any bytes after the magic of %s', async (_name, magic, offset) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 2048, maxLength: 8192 }), async (bytes) => {
        const image = Buffer.from(bytes);
        magic.copy(image, offset);
        expect((await readAll(image)).length).toBeGreaterThan(0);
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});
