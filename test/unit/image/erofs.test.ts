/** Single fields of an EROFS image that lie. */
import { describe, expect, it } from 'vitest';
import { openErofs } from '../../../src/image/erofs.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import { fixture, releaseFile, withErofsChecksum } from '../../support/image-fixtures.ts';

const superblock = 1024;
const inodeBytes = 32;

function changed(name: string, change: (image: Buffer) => void) {
  const image = Buffer.from(fixture(name));
  change(image);
  return openErofs(bufferSource(withErofsChecksum(image), 'a.raw'));
}

function inodeAt(image: Buffer, nid: number): number {
  const blockSize = 2 ** image.readUInt8(superblock + 12);
  return image.readUInt32LE(superblock + 40) * blockSize + nid * inodeBytes;
}

function rootInode(image: Buffer): number {
  return inodeAt(image, image.readUInt16LE(superblock + 14));
}

/** The inode and the index of a file that `size` tells from the others. */
function findInode(image: Buffer, size: number): number {
  for (let at = rootInode(image); at + inodeBytes < image.length; at += inodeBytes) {
    const isRegular = (image.readUInt16LE(at + 4) & 0xf000) === 0x8000;
    if (isRegular && image.readUInt32LE(at + 8) === size) return at;
  }
  throw new Error(`no file of ${size} bytes`);
}

/** Without xattrs: the header, 8 bytes unused, the entries. */
const fullIndexAt = (image: Buffer, size: number) => findInode(image, size) + inodeBytes + 16;
const proseBytes = 4127;

describe('openErofs on lies', () => {
  // The root directory's entries follow its inode: ., .., etc, usr.
  it.each([
    [
      'names at 0',
      (image: Buffer) => image.writeUInt16LE(0, rootInode(image) + inodeBytes + 8),
      'directory names at 0',
    ],
    [
      'names at 13',
      (image: Buffer) => image.writeUInt16LE(13, rootInode(image) + inodeBytes + 8),
      'directory names at 13',
    ],
    [
      'a name outside',
      (image: Buffer) => image.writeUInt16LE(400, rootInode(image) + inodeBytes + 20),
      'outside its block',
    ],
    [
      'a name in the entries',
      (image: Buffer) => image.writeUInt16LE(5, rootInode(image) + inodeBytes + 20),
      'outside its block',
    ],
    ['a slash in a name', (image: Buffer) => image.write('/', image.indexOf('etcusr') + 1), 'an impossible name'],
    [
      'an absurd size',
      (image: Buffer) => image.writeUInt32LE(2 ** 25, rootInode(image) + 8),
      'a directory of 33554432 bytes',
    ],
  ])('refuses a directory with %s', async (_name, change, message) => {
    const image = await changed('plain.erofs', change);
    await expect(image.readDirectory('')).rejects.toThrow(message);
  });

  it('refuses an unknown inode format', async () => {
    const change = (image: Buffer) => image.writeUInt16LE(0x25, rootInode(image));
    await expect(changed('plain.erofs', change)).rejects.toThrow('damaged EROFS: inode format 0x25');
  });

  it.each([
    ['an offset outside its cluster', (image: Buffer) => image.writeUInt16LE(600, fullIndexAt(image, proseBytes) + 2)],
    ['a first cluster without a head', (image: Buffer) => image.writeUInt16LE(2, fullIndexAt(image, proseBytes))],
    ['data beyond the end', (image: Buffer) => image.writeUInt32LE(0xffff, fullIndexAt(image, proseBytes) + 4)],
    [
      'more stored blocks than can be',
      (image: Buffer) => image.writeUInt16LE(0xfff, fullIndexAt(image, proseBytes) + 12),
    ],
    ['no stored blocks', (image: Buffer) => image.writeUInt16LE(0x800, fullIndexAt(image, proseBytes) + 12)],
  ])('refuses a cluster index with %s', async (_name, change) => {
    const image = await changed('lz4-full.erofs', change);
    await expect(image.readFile('usr/share/prose', 65_536)).rejects.toThrow(/^a\.raw: damaged(:| EROFS:) [^\n]+$/);
  });

  it('refuses xattr prefixes that do not exist', async () => {
    const image = await changed('prefixes.erofs', (bytes) => bytes.writeUInt8(0, superblock + 91));
    const work = image.readXattr(releaseFile, 'user.extension-release.strict');
    await expect(work).rejects.toThrow('damaged EROFS: xattr prefix 0 of 0');
  });

  it('refuses fragments where there is no packed inode', async () => {
    const image = await changed('fragments.erofs', (bytes) => bytes.writeBigUInt64LE(0n, superblock + 96));
    await expect(image.readFile('usr/share/prose', 65_536)).rejects.toThrow('damaged EROFS: it has no packed inode');
  });

  it('refuses a packed inode that is packed into itself', { timeout: 5000 }, async () => {
    const image = await changed('fragments.erofs', (bytes) => {
      const prose = findInode(bytes, proseBytes);
      bytes.writeBigUInt64LE(BigInt((prose - inodeAt(bytes, 0)) / inodeBytes), superblock + 96);
      bytes.writeBigUInt64LE(2n ** 63n, prose + inodeBytes);
    });
    const work = image.readFile('usr/share/prose', 65_536);
    await expect(work).rejects.toThrow('damaged EROFS: the packed inode needs the packed inode');
  });

  it('refuses node numbers that no image has', async () => {
    const image = await changed('plain.erofs', (bytes) => {
      bytes.writeBigUInt64LE(2n ** 62n, rootInode(bytes) + inodeBytes + 36);
    });
    await expect(image.readDirectory('usr')).rejects.toThrow('absurd node number');
  });
});
