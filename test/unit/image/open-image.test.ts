import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { nativeArchitectures, partitionTypes } from '../../../src/image/gpt-types.ts';
import { openImage } from '../../../src/image/open-image.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import { makeGpt } from '../../support/gpt-writer.ts';
import { fixture, releaseFile, withErofsChecksum } from '../../support/image-fixtures.ts';
import { expectFixture } from './fixtures.ts';

const squashfs = fixture('zstd.squashfs');
const erofs = fixture('lz4-full.erofs');
const [rootType, usrType] = partitionTypes['x86-64'] ?? ['', ''];
const swapType = '0657fd6d-a4ab-43c4-84e5-0933c84b4f4f';

function placed(size: number, at: number, bytes: string): Buffer {
  const buffer = Buffer.alloc(size, 1);
  buffer.write(bytes, at, 'latin1');
  return buffer;
}

describe('openImage', () => {
  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['an HTML page', Buffer.from('<!DOCTYPE html>\n<title>404 Not Found</title>')],
    ['an XML document', Buffer.from('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>')],
    ['a JSON document', Buffer.from('{"message": "not found"}')],
    ['text', Buffer.from('Not Found\n')],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n')],
    ['a tar archive', placed(2048, 257, 'ustar')],
    ['a gzip file', gzipSync(squashfs)],
    ['an xz file', placed(100, 0, '\xfd7zXZ\0')],
    ['a zstd file', placed(100, 0, '\x28\xb5\x2f\xfd')],
    ['an ext4 file system', placed(4096, 0x438, '\x53\xef')],
    ['a btrfs file system', placed(70_000, 0x10040, '_BHRfS_M')],
    ['LUKS encrypted data', placed(4096, 0, 'LUKS\xba\xbe')],
    ['dm-verity hashes', placed(4096, 0, 'verity\0\0')],
    ['zeros', Buffer.alloc(8192)],
  ])('says that it looks like %s', async (what, bytes) => {
    await expect(openImage(bufferSource(bytes, 'a.raw'))).rejects.toMatchObject({
      code: 'unsuitable',
      exit: 13,
      message: `a.raw: not an extension image: looks like ${what}`,
    });
  });

  it('says what it wanted when it has no idea', async () => {
    const found = 'a.raw: not an extension image: neither squashfs, EROFS nor a partition table';
    await expect(openImage(bufferSource(Buffer.alloc(4096, 0xa5), 'a.raw'))).rejects.toThrow(found);
  });

  it.each([
    ['squashfs 3.1', (image: Buffer) => image.writeUInt16LE(3, 28), squashfs, 'squashfs 3.0; only 4.0 is read'],
    ['an unknown compressor', (image: Buffer) => image.writeUInt16LE(9, 20), squashfs, 'unknown compressor 9'],
    ['an image cut off', (image: Buffer) => image.writeUInt32LE(99_999, 40), squashfs, 'is cut off: has'],
    ['unknown EROFS features', (image: Buffer) => image.writeUInt32LE(0x8001, 1104), erofs, 'unknown features 0x8000'],
    ['several devices', (image: Buffer) => image.writeUInt16LE(1, 1110), erofs, 'over several devices'],
    ['an EROFS image cut off', (image: Buffer) => image.writeUInt32LE(999, 1060), erofs, 'is cut off: has'],
  ])('refuses %s', async (_name, change, original, message) => {
    const image = Buffer.from(original);
    change(image);
    await expect(openImage(bufferSource(withErofsChecksum(image)))).rejects.toThrow(message);
  });

  it('verifies the checksum of an EROFS superblock', async () => {
    const image = Buffer.from(erofs);
    image[1100] = 7;
    await expect(openImage(bufferSource(image))).rejects.toThrow('damaged EROFS: wrong superblock checksum');
  });

  it('refuses an EROFS image whose packed inode or metabox holds itself, wherever it is', async () => {
    for (const [name, at] of [
      ['fragments.erofs', 1120],
      ['metabox.erofs', 1152],
    ] as const) {
      let refused = 0;
      for (let slot = 1; slot < 120; slot++) {
        const image = Buffer.from(fixture(name));
        image.writeBigUInt64LE(BigInt(slot), at);
        try {
          const tree = await openImage(bufferSource(withErofsChecksum(image)));
          for (const path of [releaseFile, 'usr/share/prose', 'usr/share/hole']) await tree.readFile(path, 65_536);
        } catch (error) {
          expect(error).toMatchObject({ code: 'unsuitable' });
          refused++;
        }
      }
      expect(refused, name).toBeGreaterThan(100);
    }
  });
});

describe('openImage, partitions', () => {
  it.each([512, 4096])('reads the root partition, sectors of %d bytes', async (sectorSize) => {
    const image = makeGpt(
      [
        { type: swapType, content: Buffer.alloc(5000) },
        { type: rootType, content: squashfs },
      ],
      sectorSize,
    );
    await expectFixture(await openImage(bufferSource(image)), 'zstd.squashfs');
  });

  it.each(Object.entries(partitionTypes))('knows the partitions of %s', async (_architecture, [root, usr]) => {
    const rootOnly = await openImage(bufferSource(makeGpt([{ type: root, content: squashfs }])));
    expect(await rootOnly.readDirectory('usr/lib/extension-release.d')).toEqual(['extension-release.fixture']);
    const usrOnly = await openImage(bufferSource(makeGpt([{ type: usr, content: squashfs }])));
    expect(await usrOnly.readDirectory('usr/usr/lib/extension-release.d')).toEqual(['extension-release.fixture']);
  });

  it('mounts a usr partition at usr/', async () => {
    const image = await openImage(bufferSource(makeGpt([{ type: usrType, content: erofs }])));
    expect(image.type).toBe('erofs');
    expect(await image.readDirectory('')).toEqual(['usr']);
    expect((await image.readDirectory('usr'))?.toSorted()).toEqual(['etc', 'usr']);
    expect((await image.readFile(`usr/${releaseFile}`, 65_536))?.length).toBe(1024);
    expect(await image.readXattr(`usr/${releaseFile}`, 'user.extension-release.strict')).toBe('false');
    expect(await image.readFile(releaseFile, 65_536)).toBeUndefined();
    expect(await image.readDirectory('etc')).toBeUndefined();
  });

  it('puts usr in the place of the root partition’s', async () => {
    const partitions = [
      { type: usrType, content: erofs },
      { type: rootType, content: squashfs },
    ];
    const image = await openImage(bufferSource(makeGpt(partitions)));
    expect((await image.readDirectory(''))?.toSorted()).toEqual(['etc', 'usr']);
    expect((await image.readFile('etc/extension-release.d/extension-release.fixture', 100))?.toString()).toBe(
      'ID=_any\n',
    );
    expect((await image.readDirectory('usr'))?.toSorted()).toEqual(['etc', 'usr']);
  });

  it('prefers this machine’s architecture', async () => {
    const native = nativeArchitectures[process.arch] ?? '';
    const foreign = native === 's390x' ? 'arm64' : 's390x';
    const partitions = [
      { type: partitionTypes[foreign]?.[0] ?? '', content: erofs },
      { type: partitionTypes[native]?.[0] ?? '', content: squashfs },
    ];
    expect((await openImage(bufferSource(makeGpt(partitions)))).type).toBe('squashfs');
  });

  it('passes over partitions that are marked no-auto', async () => {
    const partitions = [
      { type: rootType, content: erofs, attributes: 1n << 63n },
      { type: rootType, content: squashfs },
    ];
    expect((await openImage(bufferSource(makeGpt(partitions)))).type).toBe('squashfs');
  });

  it.each([512, 4096])(
    'takes the table at the end when the first is damaged, sectors of %d bytes',
    async (sectorSize) => {
      const image = makeGpt([{ type: rootType, content: squashfs }], sectorSize);
      image[sectorSize + 60] = 0xff;
      expect((await openImage(bufferSource(image))).type).toBe('squashfs');
      image[2 * sectorSize + 7] = 0xff;
      expect((await openImage(bufferSource(image))).type).toBe('squashfs');
      image[image.length - sectorSize + 60] = 0xff;
      await expect(openImage(bufferSource(image))).rejects.toThrow(
        /damaged partition table \(primary .*wrong header checksum/,
      );
    },
  );

  it('does not trust entries with a wrong checksum, nor a header from another place', async () => {
    const image = makeGpt([{ type: rootType, content: squashfs }]);
    image[1024] = (image[1024] ?? 0) ^ 1;
    expect((await openImage(bufferSource(image))).type).toBe('squashfs');
    const other = makeGpt([{ type: rootType, content: squashfs }]);
    other.copy(other, 512, other.length - 512);
    other.fill(0xff, other.length - 512);
    await expect(openImage(bufferSource(other))).rejects.toThrow('header belongs elsewhere');
  });

  it.each([
    ['an ext4 file system', placed(4096, 0x438, '\x53\xef')],
    ['a btrfs file system', placed(70_000, 0x10040, '_BHRfS_M')],
    ['LUKS encrypted data', placed(4096, 0, 'LUKS\xba\xbe')],
    ['dm-verity hashes', placed(4096, 0, 'verity\0\0')],
    ['something unknown', Buffer.alloc(4096, 0xa5)],
  ])('names %s in the root partition', async (what, content) => {
    const image = bufferSource(makeGpt([{ type: rootType, content }]), 'a.raw');
    const message = `a.raw: the root partition holds ${what}; only squashfs and EROFS are read`;
    await expect(openImage(image)).rejects.toThrow(message);
  });

  it('refuses a table without root or usr, and one that leads outside', async () => {
    const none = makeGpt([{ type: swapType, content: Buffer.alloc(512) }]);
    await expect(openImage(bufferSource(none))).rejects.toThrow('has no root or usr partition');
    const cut = makeGpt([{ type: rootType, content: Buffer.alloc(100_000) }]).subarray(0, 50_000);
    await expect(openImage(bufferSource(cut))).rejects.toThrow('the data ends at 50000');
  });
});
