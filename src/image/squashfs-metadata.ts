/** The metadata blocks of squashfs: 8 KiB each, compressed one by one, read as one stream per table. */
import { type Compressor, decompressBlock } from './block-decompress.ts';
import { checkRange, readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';
import type { SquashfsSuperblock } from './squashfs-superblock.ts';

/** Bytes a metadata block holds; all but the last of a table are full (SQUASHFS_METADATA_SIZE). */
export const metadataBlockBytes = 8192;
const headerBytes = 2;
const uncompressedBit = 0x8000;
/** Decompressed blocks kept: 1 MiB, enough for the path to the release files. */
const maxKeptBlocks = 128;

interface MetadataBlock {
  readonly data: Buffer;
  /** Absolute offset of the block that follows. */
  readonly next: number;
}

/** Where metadata begins: the absolute offset of a block, and an offset in its decompressed bytes. */
export interface MetadataPosition {
  readonly block: number;
  readonly offset: number;
}

/** Reads on from where the previous read ended. */
export interface MetadataCursor {
  /** @throws UnsuitableError when the metadata ends before or is damaged */
  read(length: number): Promise<Buffer>;
}

export interface MetadataReader {
  cursor(position: MetadataPosition): MetadataCursor;
}

/** An open image: what all readers of its parts need. */
export interface SquashfsImage {
  readonly source: RandomAccess;
  readonly superblock: SquashfsSuperblock;
  readonly metadata: MetadataReader;
  /** The fragment block at an offset; the last one is kept, as small files of one directory share it. */
  lastFragment(offset: number, load: () => Promise<Buffer>): Promise<Buffer>;
}

/** Splits a 48-bit reference into a table: block offset in the upper bits, offset in the block in the lower 16. */
export function positionOf(table: number, reference: number): MetadataPosition {
  return { block: table + Math.floor(reference / 0x10000), offset: reference % 0x10000 };
}

/**
 * The position of record `index` in a table that is found through an array of 64-bit block offsets (fragments, xattr
 * ids); `recordBytes` divides 8192.
 */
export async function indexedPosition(
  source: RandomAccess,
  pointers: number,
  index: number,
  recordBytes: number,
): Promise<MetadataPosition> {
  const at = index * recordBytes;
  const pointer = await source.read(pointers + Math.floor(at / metadataBlockBytes) * 8, 8);
  return { block: readUint64(source, pointer, 0), offset: at % metadataBlockBytes };
}

export function metadataReader(source: RandomAccess, compressor: Compressor): MetadataReader {
  const kept = new Map<number, Promise<MetadataBlock>>();

  function load(position: number): Promise<MetadataBlock> {
    const block = kept.get(position) ?? readBlock(source, compressor, position);
    kept.delete(position);
    kept.set(position, block);
    const oldest = kept.keys().next().value;
    if (kept.size > maxKeptBlocks && oldest !== undefined) kept.delete(oldest);
    return block;
  }

  return {
    cursor(start) {
      let { block: at, offset } = start;
      return {
        async read(length) {
          const parts: Buffer[] = [];
          let missing = length;
          for (;;) {
            const { data, next } = await load(at);
            if (offset > data.length) throw unsuitable(source, `damaged squashfs: metadata offset ${offset}`);
            const part = data.subarray(offset, offset + missing);
            parts.push(part);
            missing -= part.length;
            offset += part.length;
            if (missing === 0) return parts.length === 1 ? part : Buffer.concat(parts);
            // Short blocks in the middle would turn one byte of metadata into one decompression.
            if (data.length !== metadataBlockBytes) throw unsuitable(source, 'damaged squashfs: metadata ends early');
            at = next;
            offset = 0;
          }
        },
      };
    },
  };
}

async function readBlock(source: RandomAccess, compressor: Compressor, position: number): Promise<MetadataBlock> {
  checkRange(source, position, headerBytes);
  const most = Math.min(headerBytes + metadataBlockBytes, source.size - position);
  const bytes = await source.read(position, most);
  const header = bytes.readUInt16LE(0);
  const stored = header & ~uncompressedBit;
  if (stored === 0 || stored > metadataBlockBytes || headerBytes + stored > bytes.length) {
    throw unsuitable(source, `damaged squashfs: metadata block of ${stored} bytes at offset ${position}`);
  }
  const payload = bytes.subarray(headerBytes, headerBytes + stored);
  const place = { name: source.name, what: `the metadata block at offset ${position}` };
  const data =
    (header & uncompressedBit) !== 0
      ? payload
      : await decompressBlock(compressor, payload, { maxOutput: metadataBlockBytes }, place);
  return { data, next: position + headerBytes + stored };
}
