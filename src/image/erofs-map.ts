/** How a compressed EROFS file is cut: the header of its index, and the extents that the index describes. */
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';

/** Bits of h_advise (Z_EROFS_ADVISE_*). */
export const advise = {
  /** In the compact layout. */
  compact2: 0x1,
  /** In the full layout: extents instead of clusters. */
  extents: 0x1,
  bigPcluster1: 0x2,
  bigPcluster2: 0x4,
  inlinePcluster: 0x8,
  interlaced: 0x10,
  fragment: 0x20,
};

/** How stored bytes become content; the numbers are Z_EROFS_COMPRESSION_*. */
export type StoredFormat = 'shifted' | 'interlaced' | number;

/** A piece of the file's content, `start` and `length` in bytes of it. */
export type Extent = { readonly start: number; readonly length: number } & (
  | { readonly kind: 'hole' }
  /** `offset` in the packed inode. */
  | { readonly kind: 'fragment'; readonly offset: number }
  | {
      readonly kind: 'stored';
      readonly isInMetadata: boolean;
      readonly offset: number;
      readonly bytes: number;
      readonly format: StoredFormat;
      /** The stored bytes hold more than this extent. */
      readonly isPartial: boolean;
    }
);

export interface MapHeader {
  readonly advise: number;
  /** Compressors of head types 1 and 2. */
  readonly algorithms: readonly [number, number];
  /** Logarithm of the bytes in a logical cluster. */
  readonly clusterBits: number;
  readonly fragmentOffset: number;
  /** Bytes of the tail that is stored after the index. */
  readonly inlineBytes: number;
  readonly extentCount: number;
  /** Where the header ends, in the metadata. */
  readonly end: number;
  /** All content is in the packed inode, from `fragmentOffset` on. */
  readonly isWhollyPacked: boolean;
}

const headerBytes = 8;

/** Reads struct z_erofs_map_header, which follows the inode and its xattrs. */
export async function readMapHeader(image: ErofsImage, inode: ErofsInode): Promise<MapHeader> {
  const start = Math.ceil(inode.end / 8) * 8;
  const bytes = await (await image.metadata(inode.inMetabox)).read(start, headerBytes);
  const isWhollyPacked = (bytes.readUInt8(7) & 0x80) !== 0;
  const algorithms = bytes.readUInt8(6);
  const low = bytes.readUInt32LE(0);
  return {
    advise: bytes.readUInt16LE(4),
    algorithms: [algorithms & 15, algorithms >> 4],
    clusterBits: image.superblock.blockBits + (bytes.readUInt8(7) & 15),
    // Wholly packed: the upper half of the header is part of the offset, but for the flag.
    fragmentOffset: isWhollyPacked ? (bytes.readUInt32LE(4) - 2 ** 31) * 2 ** 32 + low : low,
    inlineBytes: bytes.readUInt16LE(2),
    extentCount: bytes.readUInt16LE(6) * 2 ** 32 + low,
    end: start + headerBytes,
    isWhollyPacked,
  };
}
