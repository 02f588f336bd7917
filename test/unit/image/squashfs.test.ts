/** Single fields of a squashfs image that lie; found in an image whose metadata is not compressed. */
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openSquashfs } from '../../../src/image/squashfs.ts';
import { metadataReader } from '../../../src/image/squashfs-metadata.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import { fixture, releaseFile } from '../../support/image-fixtures.ts';

const original = fixture('uncompressed-metadata.squashfs');
const etcFile = 'etc/extension-release.d/extension-release.fixture';

/** Where the inode of the plain file of so many bytes begins. */
function inodeOf(bytes: number): number {
  const start = Number(original.readBigUInt64LE(64)) + 2;
  for (let at = start; at < Number(original.readBigUInt64LE(72)); at++) {
    if (original.readUInt16LE(at) === 2 && original.readUInt32LE(at + 28) === bytes) return at;
  }
  throw new Error(`no file of ${bytes} bytes`);
}

const proseInode = inodeOf(4127);
const firstDataBlock = original.readUInt32LE(proseInode + 16);
const etcInode = inodeOf(8);

function changed(change: (image: Buffer) => void) {
  const image = Buffer.from(original);
  change(image);
  return openSquashfs(bufferSource(image, 'a.raw'));
}

const table = (image: Buffer, at: number) => Number(image.readBigUInt64LE(at));

describe('openSquashfs on lies', () => {
  it('refuses a data block that holds less than it must', async () => {
    const short = deflateSync('x'.repeat(100));
    const image = await changed((bytes) => short.copy(bytes, firstDataBlock));
    const message = 'holds 100 bytes, not 4096';
    await expect(image.readFile('usr/share/prose', 65_536)).rejects.toThrow(message);
  });

  it('refuses a fragment that does not exist', async () => {
    const image = await changed((bytes) => bytes.writeUInt32LE(1, etcInode + 20));
    await expect(image.readFile(etcFile, 65_536)).rejects.toThrow('damaged squashfs: fragment 1 of 1');
  });

  it('refuses a tail outside its fragment', async () => {
    const image = await changed((bytes) => bytes.writeUInt32LE(4096, etcInode + 24));
    await expect(image.readFile(etcFile, 65_536)).rejects.toThrow('a.raw: fragment 0: damaged');
  });

  it('reads a stored size of zero as a hole', async () => {
    const image = await changed((bytes) => bytes.writeUInt32LE(0, proseInode + 32));
    const content = await image.readFile('usr/share/prose', 65_536);
    expect(content?.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
  });

  it('refuses too many entries under one directory header', async () => {
    const image = await changed((bytes) => bytes.writeUInt32LE(256, table(bytes, 72) + 2));
    await expect(image.readDirectory('etc/extension-release.d')).rejects.toThrow(
      'damaged squashfs: 257 entries under one header',
    );
  });

  it('refuses names that lead elsewhere', async () => {
    const image = await changed((bytes) => bytes.write('/', bytes.indexOf('prose', table(bytes, 72))));
    await expect(image.readDirectory('usr/share')).rejects.toThrow('a directory holds an impossible name');
  });

  it('refuses xattr ids and values that cannot be', async () => {
    const ids = await changed((bytes) => bytes.writeUInt32LE(0, table(bytes, 56) + 8));
    await expect(ids.readXattr(releaseFile, 'user.long')).rejects.toThrow(/damaged squashfs: xattr id \d of 0/);
    const value = await changed((bytes) => {
      const start = table(bytes, table(bytes, 56));
      bytes.writeUInt32LE(65_537, bytes.indexOf('extension-release.strict', start) + 24);
    });
    await expect(value.readXattr(releaseFile, 'user.unset')).rejects.toThrow('damaged squashfs: xattr value of 65537');
  });

  it.each([
    ['block size and its logarithm', (bytes: Buffer) => bytes.writeUInt16LE(13, 22), 'block size 4096, logarithm 13'],
    ['a block size of 2 MiB', (bytes: Buffer) => bytes.writeUInt32LE(2 ** 21, 12), 'block size 2097152'],
    ['a table beyond the end', (bytes: Buffer) => bytes.writeUInt32LE(2 ** 30, 72), 'at offset 1073741824'],
    ['a table at 2^60', (bytes: Buffer) => bytes.writeBigUInt64LE(2n ** 60n, 64), 'absurd 64-bit value'],
    ['millions of fragments', (bytes: Buffer) => bytes.writeUInt32LE(2 ** 25, 16), '33554432 fragments'],
    ['no inode table', (bytes: Buffer) => bytes.writeBigUInt64LE(2n ** 64n - 1n, 64), 'no inode or directory table'],
  ])('refuses %s', async (_name, change, message) => {
    await expect(changed(change)).rejects.toThrow(message);
  });
});

describe('metadataReader', () => {
  it('refuses to read on after a block that is not full', async () => {
    const blocks = Buffer.concat([
      Buffer.from([10, 0x80]),
      Buffer.alloc(10, 1),
      Buffer.from([10, 0x80]),
      Buffer.alloc(10, 2),
    ]);
    const cursor = metadataReader(bufferSource(blocks), 'zlib').cursor({ block: 0, offset: 0 });
    expect((await cursor.read(10)).length).toBe(10);
    await expect(cursor.read(1)).rejects.toThrow('damaged squashfs: metadata ends early');
  });
});
