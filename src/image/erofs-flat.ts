/** Uncompressed contents of EROFS: one run of blocks, the same with the tail after the inode, or chunks. */
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';
import { unsuitable } from './part.ts';

/** Bits of the format word of a chunked inode (EROFS_CHUNK_FORMAT_*). */
const chunkBitsMask = 0x1f;
const hasIndexes = 0x20;
const has48Bits = 0x40;
const knownBits = chunkBitsMask | hasIndexes | has48Bits;
const noBlock = 0xffff_ffff;

/** Fills `output` with the content from `offset` on; the range lies inside the file. @throws UnsuitableError */
export async function readFlat(image: ErofsImage, inode: ErofsInode, offset: number, output: Buffer): Promise<void> {
  const { blockSize } = image.superblock;
  // Layout `inline`: the last block, whole or not, lies after the inode.
  const blocks = Math.ceil(inode.size / blockSize);
  const inlineFrom = inode.layout === 'inline' ? Math.max(0, blocks - 1) * blockSize : inode.size;
  const outside = Math.max(0, Math.min(output.length, inlineFrom - offset));
  if (outside > 0 && inode.startBlock !== undefined) {
    (await image.source.read(inode.startBlock * blockSize + offset, outside)).copy(output);
  }
  if (outside < output.length) {
    const metadata = await image.metadata(inode.inMetabox);
    const from = inode.end + offset + outside - inlineFrom;
    (await metadata.read(from, output.length - outside)).copy(output, outside);
  }
}

/** As readFlat, for layout `chunks`; `extra_devices` is zero, so device numbers mean nothing. */
export async function readChunks(image: ErofsImage, inode: ErofsInode, offset: number, output: Buffer): Promise<void> {
  const { source, superblock } = image;
  const format = inode.chunkFormat;
  if ((format & ~knownBits) !== 0) {
    throw unsuitable(source, `EROFS with unknown chunk format 0x${format.toString(16)}`);
  }
  const chunkSize = superblock.blockSize * 2 ** (format & chunkBitsMask);
  const unit = (format & hasIndexes) !== 0 ? 8 : 4;
  const first = Math.floor(offset / chunkSize);
  const last = Math.floor((offset + output.length - 1) / chunkSize);
  const metadata = await image.metadata(inode.inMetabox);
  const start = Math.ceil(inode.end / unit) * unit + first * unit;
  const index = await metadata.read(start, (last - first + 1) * unit);
  let written = 0;
  for (let at = 0; written < output.length; at += unit) {
    const within = (offset + written) % chunkSize;
    const length = Math.min(chunkSize - within, output.length - written);
    const block = blockOf(index, at, format);
    if (block !== undefined) {
      (await source.read(block * superblock.blockSize + within, length)).copy(output, written);
    }
    written += length;
  }
}

function blockOf(index: Buffer, at: number, format: number): number | undefined {
  if ((format & hasIndexes) === 0) {
    const block = index.readUInt32LE(at);
    return block === noBlock ? undefined : block;
  }
  const low = index.readUInt32LE(at + 4);
  const high = (format & has48Bits) !== 0 ? index.readUInt16LE(at) : 0;
  const isHole = low === noBlock && (high === 0xffff || (format & has48Bits) === 0);
  return isHole ? undefined : high * 2 ** 32 + low;
}
