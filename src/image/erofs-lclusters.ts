/** The index of a compressed EROFS file, one entry per logical cluster (kernel: fs/erofs/zmap.c, erofs_fs.h). */
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';
import { advise, type MapHeader } from './erofs-map.ts';
import { unsuitable } from './part.ts';

export const clusterTypes = { plain: 0, head1: 1, nonHead: 2, head2: 3 } as const;
/** Bits there are for an offset in a cluster. */
const maxClusterBits = { 'full index': 16, 'compact index': 14 };
const fullEntryBytes = 8;
const partialReference = 0x8000;
/** In a distance: it is the number of stored blocks instead (Z_EROFS_LI_D0_CBLKCNT). */
const isBlockCount = 0x800;

export interface Lcluster {
  readonly type: number;
  /** Heads: where in the cluster the extent begins; its first stored block; whether it uses only part of them. */
  readonly offset: number;
  readonly block: number;
  readonly isPartial: boolean;
  /** Non-heads: clusters back towards the head; blocks stored by the extent, if it is said here. */
  readonly back: number;
  readonly storedBlocks: number | undefined;
  /** In the metadata: what follows the entry (compact: its pack). */
  readonly next: number;
}

export type LclusterReader = (number: number) => Promise<Lcluster>;

/** A reader of the index's entries. @throws UnsuitableError when damaged, here and when an entry is read */
export function lclusterReader(image: ErofsImage, inode: ErofsInode, header: MapHeader): LclusterReader {
  const isFull = inode.layout === 'full index';
  if (header.clusterBits > maxClusterBits[isFull ? 'full index' : 'compact index']) {
    throw unsuitable(image.source, `EROFS with clusters of 2^${header.clusterBits} bytes`);
  }
  const count = Math.ceil(inode.size / 2 ** header.clusterBits);
  const read = isFull ? fullReader(image, inode, header) : compactReader(image, inode, header);
  return async (number) => {
    if (number < 0 || number >= count) throw unsuitable(image.source, 'damaged EROFS: cluster outside the file');
    const entry = await read(number);
    if (entry.type !== clusterTypes.nonHead && entry.offset >= 2 ** header.clusterBits) {
      throw unsuitable(image.source, 'damaged EROFS: offset outside its cluster');
    }
    return entry;
  };
}

function fullReader(image: ErofsImage, inode: ErofsInode, header: MapHeader): LclusterReader {
  const start = header.end + 8;
  return async (number) => {
    const at = start + number * fullEntryBytes;
    const bytes = await (await image.metadata(inode.inMetabox)).read(at, fullEntryBytes);
    const word = bytes.readUInt16LE(0);
    const distance = bytes.readUInt16LE(4);
    const saysCount = (distance & isBlockCount) !== 0;
    return {
      type: word & 3,
      offset: bytes.readUInt16LE(2),
      block: bytes.readUInt32LE(4),
      isPartial: (word & partialReference) !== 0,
      back: saysCount ? 1 : distance,
      storedBlocks: saysCount ? distance & ~isBlockCount : undefined,
      next: at + fullEntryBytes,
    };
  };
}

/** A pack of entries of some bits each, followed by the block address that the first head counts from. */
interface Pack {
  readonly start: number;
  readonly bytes: number;
  readonly entries: number;
  /** Which entry of the pack is asked for. */
  readonly index: number;
}

const wide = { bytes: 8, entries: 2 };
const narrow = { bytes: 32, entries: 16 };

function compactReader(image: ErofsImage, inode: ErofsInode, header: MapHeader): LclusterReader {
  const offsetBits = Math.max(header.clusterBits, 12);
  const isBig = (header.advise & advise.bigPcluster1) !== 0;
  return async (number) => {
    const pack = packOf(image, inode, header, number);
    const bytes = await (await image.metadata(inode.inMetabox)).read(pack.start, pack.bytes);
    const bits = ((pack.bytes - 4) * 8) / pack.entries;
    const entry = (index: number) => {
      const value = bytes.readUInt32LE((bits * index) >> 3) >>> ((bits * index) & 7);
      return { type: (value >>> offsetBits) & 3, low: value & (2 ** offsetBits - 1) };
    };
    const { type, low } = entry(pack.index);
    const common = { type, isPartial: false, next: pack.start + pack.bytes };
    if (type !== clusterTypes.nonHead) {
      const block = bytes.readUInt32LE(pack.bytes - 4) + blocksBefore(image, entry, pack.index, isBig);
      return { ...common, offset: low, block, back: 0, storedBlocks: undefined };
    }
    const nonHead = { ...common, offset: 0, block: 0 };
    if ((low & isBlockCount) !== 0) return { ...nonHead, back: 1, storedBlocks: low & ~isBlockCount };
    return { ...nonHead, back: distanceBack(entry, pack, low), storedBlocks: undefined };
  };
}

type EntryReader = (index: number) => { readonly type: number; readonly low: number };

/** A pack's last entry has the distance to the next head, so the way back is one more than its neighbour's. */
function distanceBack(entry: EntryReader, pack: Pack, low: number): number {
  if (pack.index + 1 !== pack.entries) return low;
  const before = entry(pack.index - 1);
  if (before.type !== clusterTypes.nonHead) return 1;
  return (before.low & isBlockCount) !== 0 ? 2 : before.low + 1;
}

/** The stored blocks of the extents that begin in the pack before entry `index`. */
function blocksBefore(image: ErofsImage, entry: EntryReader, index: number, isBig: boolean): number {
  let blocks = isBig ? 0 : 1;
  for (let at = index - 1; at >= 0; at--) {
    const { type, low } = entry(at);
    if (type !== clusterTypes.nonHead) {
      blocks++;
    } else if (!isBig) {
      at -= low;
      if (at >= 0) blocks++;
    } else if ((low & isBlockCount) !== 0) {
      at--;
      blocks += low & ~isBlockCount;
    } else {
      if (low <= 1) throw unsuitable(image.source, 'damaged EROFS: impossible cluster distance');
      at -= low - 2;
    }
  }
  return blocks;
}

/** Packs of 2 entries up to a 32-byte boundary, then packs of 16, then packs of 2 for what is left. */
function packOf(image: ErofsImage, inode: ErofsInode, header: MapHeader, number: number): Pack {
  const total = Math.ceil(inode.size / image.superblock.blockSize);
  const toBoundary = ((32 - (header.end % 32)) % 32) / 4;
  const hasNarrow = (header.advise & advise.compact2) !== 0 && toBoundary < total;
  if (hasNarrow && header.clusterBits > 12) throw unsuitable(image.source, 'damaged EROFS: packs do not fit clusters');
  const narrowCount = hasNarrow ? Math.floor((total - toBoundary) / narrow.entries) * narrow.entries : 0;

  const position = (start: number, first: number, pack: typeof wide): Pack => {
    const index = number - first;
    const packed = Math.floor(index / pack.entries);
    return { start: start + packed * pack.bytes, ...pack, index: index % pack.entries };
  };
  if (number < toBoundary) return position(header.end, 0, wide);
  const boundary = header.end + toBoundary * 4;
  if (number < toBoundary + narrowCount) return position(boundary, toBoundary, narrow);
  return position(boundary + narrowCount * 2, toBoundary + narrowCount, wide);
}
