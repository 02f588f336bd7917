import { execFileSync } from 'node:child_process';
import { deflateRawSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UnsuitableError } from '../../../src/errors.ts';
import { type Compressor, decompressBlock } from '../../../src/image/block-decompress.ts';
import { hasProgram } from '../../support/make-images.ts';

const place = { name: 'a.raw', what: 'the block at offset 8' };
const mebibyte = 1024 * 1024;
const zeros = Buffer.alloc(10 * mebibyte);

/** A frame of `blocks` times 128 KiB of one byte (RFC 8878: window of 128 KiB, RLE blocks). */
function zstdBomb(blocks: number, window = 0x38): Buffer {
  const frame = [0x28, 0xb5, 0x2f, 0xfd, 0, window];
  for (let block = 1; block <= blocks; block++) {
    const header = (128 * 1024 * 8) | (1 << 1) | (block === blocks ? 1 : 0);
    frame.push(header & 0xff, (header >> 8) & 0xff, header >> 16, 65);
  }
  return Buffer.from(frame);
}

function xz(data: Buffer, ...args: string[]): Buffer {
  return execFileSync('xz', ['--stdout', '--check=crc32', ...args], { input: data, maxBuffer: 64 * mebibyte });
}

const bombs: [Compressor, () => Buffer][] = [
  ['zlib', () => deflateSync(zeros)],
  ['deflate', () => deflateRawSync(zeros)],
  ['zstd', () => zstdBomb(80)],
  ['lz4', () => Buffer.concat([Buffer.from([0x1f, 65, 1, 0]), Buffer.alloc(40_000, 255), Buffer.from([0, 0x10, 66])])],
];

describe('decompressBlock', () => {
  it.each(bombs)('%s: stops at the cap', async (compressor, make) => {
    const work = decompressBlock(compressor, make(), { maxOutput: 8192 }, place);
    await expect(work).rejects.toThrow(/^a\.raw: damaged: cannot decompress the block at offset 8/);
    await expect(work).rejects.toBeInstanceOf(UnsuitableError);
  });

  it.skipIf(!hasProgram('xz'))('xz: stops at the cap, and decodes the next block', async () => {
    await expect(decompressBlock('xz', xz(zeros), { maxOutput: 8192 }, place)).rejects.toThrow(
      'longer than 8192 bytes',
    );
    const good = await decompressBlock('xz', xz(Buffer.from('good')), { maxOutput: 8192 }, place);
    expect(good.toString()).toBe('good');
  });

  it.skipIf(!hasProgram('xz'))('xz: a filter that the library lacks is done by the program', async () => {
    const code = Buffer.from('call \xe8\0\0\0\0'.repeat(50), 'latin1');
    const filtered = xz(code, '--x86', '--lzma2');
    expect((await decompressBlock('xz', filtered, { maxOutput: 8192 }, place)).equals(code)).toBe(true);
    const bomb = xz(zeros, '--x86', '--lzma2');
    await expect(decompressBlock('xz', bomb, { maxOutput: 8192 }, place)).rejects.toThrow('longer than 8192 bytes');
  });

  it.skipIf(!hasProgram('xz'))('xz: says what is missing when there is no program', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      process.env.PATH = path;
      const filtered = xz(Buffer.from('text'), '--x86', '--lzma2');
      process.env.PATH = '/nonexistent';
      await expect(decompressBlock('xz', filtered, { maxOutput: 8192 }, place)).rejects.toThrow('install xz');
    } finally {
      process.env.PATH = path;
    }
  });

  it.each<[Compressor]>([['zlib'], ['deflate'], ['xz'], ['zstd'], ['lz4']])(
    '%s: refuses rubbish',
    async (compressor) => {
      for (const rubbish of [
        Buffer.alloc(0),
        Buffer.alloc(100),
        Buffer.from('rubbish, no block'),
        Buffer.alloc(50, 0xff),
      ]) {
        await expect(decompressBlock(compressor, rubbish, { maxOutput: 100 }, place)).rejects.toBeInstanceOf(
          UnsuitableError,
        );
      }
    },
  );

  it('zstd: reads one frame, and no frame that follows', async () => {
    const frame = zstdBomb(1);
    const two = Buffer.concat([frame, zstdBomb(1, 0xff)]);
    expect((await decompressBlock('zstd', two, { maxOutput: 128 * 1024 }, place)).length).toBe(128 * 1024);
  });

  it.each([
    ['a window over 1 MiB', zstdBomb(1, 0x58), 'window of more than'],
    ['a dictionary', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 0x38, 1, 0, 0]), 'needs a dictionary'],
    ['a content size over the cap', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0]), 'longer than'],
    ['a reserved block type', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38, 7, 0, 0]), 'reserved block type'],
    ['a cut-off frame', zstdBomb(3).subarray(0, -2), 'ended early'],
  ])('zstd: refuses %s before decoding', async (_name, frame, message) => {
    await expect(decompressBlock('zstd', frame, { maxOutput: mebibyte }, place)).rejects.toThrow(message);
  });

  it.each<[Compressor, Buffer]>([
    ['deflate', deflateRawSync(Buffer.from('abcdefgh'.repeat(1000)))],
    ['lz4', Buffer.from([0x14, 97, 1, 0, 0x10, 98])],
    ['zstd', zstdBomb(2)],
  ])('%s: gives the start of a longer block when asked for a part', async (compressor, block) => {
    const output = await decompressBlock(compressor, block, { maxOutput: 5, partial: true }, place);
    expect(output.length).toBe(5);
  });
});
