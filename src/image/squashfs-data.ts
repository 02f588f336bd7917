/** File contents of squashfs: blocks of the file, then a tail that shares a fragment block with other files. */
import { decompressBlock } from './block-decompress.ts';
import { checkRange, readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';
import type { FileContent } from './squashfs-inode.ts';
import { indexedPosition, type SquashfsImage } from './squashfs-metadata.ts';

const fragmentRecordBytes = 16;
/** In a stored size: the block is not compressed (SQUASHFS_COMPRESSED_BIT_BLOCK). */
const uncompressedBit = 1 << 24;
/** Bytes fetched with one read; adjacent blocks are read together. */
const maxRunBytes = 4 * 1024 * 1024;

interface StoredBlock {
  readonly offset: number;
  readonly bytes: number;
  readonly isCompressed: boolean;
  /** Bytes of the file in this block. */
  readonly length: number;
}

/** The whole content, `content.size` bytes; the caller has bounded it. @throws UnsuitableError when damaged */
export async function readContent(image: SquashfsImage, content: FileContent): Promise<Buffer> {
  const { source } = image;
  const blocks = await storedBlocks(image, content);
  const output = Buffer.alloc(content.size);
  let written = 0;
  for (const run of runsOf(blocks)) {
    const start = run[0]?.offset ?? 0;
    const stored = await source.read(
      start,
      run.reduce((sum, block) => sum + block.bytes, 0),
    );
    for (const block of run) {
      // A stored size of 0 is a hole: zeros, which the output has already.
      if (block.bytes > 0) {
        const data = await unpack(image, stored.subarray(block.offset - start), block);
        if (data.length !== block.length) throw wrongLength(source, block, data.length);
        data.copy(output, written);
      }
      written += block.length;
    }
  }
  if (content.fragment !== undefined && written < content.size) {
    (await readTail(image, content.fragment, content.size - written)).copy(output, written);
  }
  return output;
}

async function readTail(
  image: SquashfsImage,
  { index, offset }: { readonly index: number; readonly offset: number },
  length: number,
): Promise<Buffer> {
  const { source } = image;
  const { fragmentTable, fragmentCount, blockSize } = image.superblock;
  if (fragmentTable === undefined || index >= fragmentCount) {
    throw unsuitable(source, `damaged squashfs: fragment ${index} of ${fragmentCount}`);
  }
  const position = await indexedPosition(source, fragmentTable, index, fragmentRecordBytes);
  const record = await image.metadata.cursor(position).read(fragmentRecordBytes);
  const block = storedBlock(source, readUint64(source, record, 0), record.readUInt32LE(8), blockSize, blockSize);
  const data = await image.lastFragment(block.offset, async () =>
    unpack(image, await source.read(block.offset, block.bytes), block),
  );
  checkRange({ name: `${source.name}: fragment ${index}`, size: data.length }, offset, length);
  return data.subarray(offset, offset + length);
}

/** `stored` begins with the block's bytes. */
async function unpack(image: SquashfsImage, stored: Buffer, block: StoredBlock): Promise<Buffer> {
  const bytes = stored.subarray(0, block.bytes);
  if (!block.isCompressed) return bytes;
  const place = { name: image.source.name, what: `the data block at offset ${block.offset}` };
  return decompressBlock(image.superblock.compressor, bytes, { maxOutput: block.length }, place);
}

/** The blocks of the file, without the tail. */
async function storedBlocks({ source, superblock }: SquashfsImage, content: FileContent): Promise<StoredBlock[]> {
  const { blockSize } = superblock;
  const whole = content.size / blockSize;
  const count = content.fragment === undefined ? Math.ceil(whole) : Math.floor(whole);
  if (count === 0) return [];
  const sizes = await (await content.blockSizes()).read(count * 4);
  const blocks: StoredBlock[] = [];
  let offset = content.start;
  for (let index = 0; index < count; index++) {
    const length = Math.min(blockSize, content.size - index * blockSize);
    const block = storedBlock(source, offset, sizes.readUInt32LE(index * 4), blockSize, length);
    blocks.push(block);
    offset += block.bytes;
  }
  return blocks;
}

function storedBlock(source: RandomAccess, offset: number, word: number, max: number, length: number): StoredBlock {
  const bytes = word & (uncompressedBit - 1);
  if (word >= uncompressedBit * 2 || bytes > max) {
    throw unsuitable(source, `damaged squashfs: data block of ${bytes} bytes at offset ${offset}`);
  }
  checkRange(source, offset, bytes);
  return { offset, bytes, isCompressed: (word & uncompressedBit) === 0, length };
}

function* runsOf(blocks: readonly StoredBlock[]): Generator<StoredBlock[]> {
  let run: StoredBlock[] = [];
  let bytes = 0;
  for (const block of blocks) {
    if (bytes + block.bytes > maxRunBytes) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(block);
    bytes += block.bytes;
  }
  yield run;
}

function wrongLength(source: RandomAccess, block: StoredBlock, found: number) {
  return unsuitable(
    source,
    `damaged squashfs: the data block at offset ${block.offset} holds ${found} bytes, not ${block.length}`,
  );
}
