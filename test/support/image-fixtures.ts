/** The frozen images; test/fixtures/images/README.md says how they were made. */
import { readdirSync, readFileSync } from 'node:fs';
import { crc32c } from '../../src/image/erofs-superblock.ts';

const directory = new URL('../fixtures/images/', import.meta.url);

export function fixtureNames(): string[] {
  return readdirSync(directory).filter((name) => /\.(squashfs|erofs)$/.test(name));
}

/** Refused by design: the compressors that nothing here can decode. */
export const refusedFixtures = ['lzma.squashfs', 'lzo.squashfs', 'lzma.erofs'];
export const readableFixtures = fixtureNames().filter((name) => !refusedFixtures.includes(name));

export function fixture(name: string): Buffer {
  return readFileSync(new URL(name, directory));
}

export const releaseFile = 'usr/lib/extension-release.d/extension-release.fixture';

/** Makes a changed superblock believable again, so that the change is not merely refused by its checksum. */
export function withErofsChecksum(image: Buffer): Buffer {
  const start = 1024;
  if (image.length < start + 128 || (image.readUInt32LE(start + 8) & 1) === 0) return image;
  if (image.readUInt8(start + 12) < 9) return image;
  const blockSize = 2 ** Math.min(16, image.readUInt8(start + 12));
  const block = image.subarray(start, start + (blockSize > start ? blockSize - start : blockSize));
  block.writeUInt32LE(0, 4);
  block.writeUInt32LE(crc32c(block), 4);
  return image;
}
