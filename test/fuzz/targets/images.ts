/** Images of file systems: whatever they say, reading ends soon, with content or with an UnsuitableError. */
import fc from 'fast-check';
import { makeGpt } from '../../support/gpt-writer.ts';
import { fixture, readableFixtures, withErofsChecksum } from '../../support/image-fixtures.ts';
import { readHostileImage } from '../../support/read-image.ts';
import { mutated, mutation } from '../mutations.ts';
import { ensure, type FuzzProperty, type FuzzTarget, holds } from '../target.ts';

const samples = new Map(readableFixtures.map((name) => [name, fixture(name)]));
const rootPartition = '4f68bce3-e8cd-4db1-96e7-fbcaf984b709';
const usrPartition = '8484680c-9521-48c6-9c11-b0720656f69e';
const disk = makeGpt([
  { type: rootPartition, content: fixture('lz4.squashfs') },
  { type: usrPartition, content: fixture('plain.erofs') },
]);

/** Where superblock, inodes and directories of the small samples begin. */
const METADATA_BYTES = 4096;

function changed(suffix: string, runs: number, believable: (image: Buffer) => Buffer): readonly FuzzProperty[] {
  const names = readableFixtures.filter((name) => name.endsWith(suffix));
  const windows = [
    ['an image, its beginning changed', METADATA_BYTES],
    ['an image, changed anywhere', undefined],
  ] as const;
  return windows.map(([title, window]) =>
    holds(
      title,
      runs,
      fc.asyncProperty(fc.constantFrom(...names), mutation, async (name, changes) => {
        await readHostileImage(believable(mutated(samples.get(name) ?? Buffer.alloc(0), changes, window)));
      }),
    ),
  );
}

/** Any bytes, with a magic number that some reader falls for. */
function anythingAfter(magic: Buffer, offset: number): FuzzProperty {
  const bytes = fc.uint8Array({ minLength: 2048, maxLength: 8192 });
  return holds(
    'any bytes behind the magic number',
    200,
    fc.asyncProperty(bytes, async (any) => {
      const image = Buffer.from(any);
      magic.copy(image, offset);
      ensure((await readHostileImage(image)).length > 0, 'taken for an image');
    }),
  );
}

export const squashfs: FuzzTarget = {
  name: 'squashfs',
  properties: [...changed('.squashfs', 300, (image) => image), anythingAfter(Buffer.from('hsqs', 'latin1'), 0)],
};

export const erofs: FuzzTarget = {
  name: 'erofs',
  // A superblock with a wrong checksum would hide all else that changed in its block.
  properties: [
    ...changed('.erofs', 400, withErofsChecksum),
    anythingAfter(Buffer.from([0xe2, 0xe1, 0xf5, 0xe0]), 1024),
  ],
};

export const gpt: FuzzTarget = {
  name: 'gpt',
  properties: [
    holds(
      'a partition table, changed',
      400,
      fc.asyncProperty(mutation, fc.boolean(), async (changes, atEnd) => {
        // The table at the end counts where the one at the start is damaged.
        const table = atEnd ? disk.subarray(disk.length - METADATA_BYTES) : disk.subarray(0, METADATA_BYTES);
        const other = mutated(table, { ...changes, cut: null });
        await readHostileImage(
          atEnd
            ? Buffer.concat([Buffer.alloc(METADATA_BYTES), disk.subarray(METADATA_BYTES, -METADATA_BYTES), other])
            : Buffer.concat([other, disk.subarray(other.length)]),
        );
      }),
    ),
    anythingAfter(Buffer.from('EFI PART', 'latin1'), 512),
    holds(
      'any bytes',
      300,
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
        ensure((await readHostileImage(Buffer.from(bytes))).length === 1, 'taken for an image');
      }),
    ),
  ],
};
