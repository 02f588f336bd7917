/** Extent records of a compressed EROFS file, Linux 6.15 and later (kernel: z_erofs_map_blocks_ext in zmap.c). */
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';
import { advise, type Extent, type MapHeader } from './erofs-map.ts';
import { unsuitable } from './part.ts';

/** Bits of a record's stored length (Z_EROFS_EXTENT_PLEN_*). */
const lengthMask = 0x1f_ffff;
const partialBit = 2 ** 27;
const formatUnit = 2 ** 28;
/** Records without an address are added up from the first; more of them would take seconds. */
const maxAddedRecords = 8192;

interface Record {
  readonly length: number;
  readonly address: number;
}

/** As clusterMap, for files whose index is made of extents. */
export async function extentMap(
  image: ErofsImage,
  inode: ErofsInode,
  header: MapHeader,
): Promise<(offset: number) => Promise<Extent>> {
  const { source, superblock } = image;
  const metadata = await image.metadata(inode.inMetabox);
  const recordBytes = 4 * 2 ** ((header.advise >> 1) & 3);
  const first = Math.ceil(header.end / recordBytes) * recordBytes;

  /** Records of 4 or 8 bytes: each stands for one logical cluster. */
  async function findByCluster(offset: number) {
    const clusterSize = 2 ** header.clusterBits;
    const index = Math.floor(offset / clusterSize);
    const start = index * clusterSize;
    const end = Math.min(start + clusterSize, inode.size);
    if (recordBytes === 8) {
      const bytes = await metadata.read(first + index * 8, 8);
      return { start, end, isLast: end === inode.size, length: bytes.readUInt32LE(0), address: bytes.readUInt32LE(4) };
    }
    if (index >= maxAddedRecords)
      throw unsuitable(source, `EROFS: more than ${maxAddedRecords} extents without address`);
    const bytes = await metadata.read(first, 8 + (index + 1) * 4);
    let address = Number(bytes.readBigUInt64LE(0));
    for (let at = 0; at < index; at++) address += bytes.readUInt32LE(8 + at * 4) & lengthMask;
    return { start, end, isLast: end === inode.size, length: bytes.readUInt32LE(8 + index * 4), address };
  }

  /** Records of 16 or 32 bytes are sorted by where they begin in the content. */
  async function findBySearch(offset: number) {
    let [low, high] = [0, header.extentCount];
    let end = inode.size;
    let found: ({ start: number } & Record) | undefined;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const bytes = await metadata.read(first + middle * recordBytes, recordBytes);
      const start = (recordBytes > 16 ? bytes.readUInt32LE(16) : 0) * 2 ** 32 + bytes.readUInt32LE(12);
      if (start > offset) {
        high = middle;
        end = Math.min(end, start);
      } else {
        low = middle + 1;
        const address = bytes.readUInt32LE(8) * 2 ** 32 + bytes.readUInt32LE(4);
        found = { start, length: bytes.readUInt32LE(0), address };
      }
    }
    // Before the first record there is a hole.
    return { ...(found ?? { start: 0, length: 0, address: 0 }), end, isLast: low >= header.extentCount };
  }

  return async (offset) => {
    const found = recordBytes > 8 ? await findBySearch(offset) : await findByCluster(offset);
    const piece = { start: found.start, length: found.end - found.start };
    if (found.isLast && (header.advise & advise.fragment) !== 0) {
      const high = recordBytes > 4 ? found.address % 2 ** 32 : 0;
      return { ...piece, kind: 'fragment', offset: high * 2 ** 32 + found.length };
    }
    if (found.length === 0) return { ...piece, kind: 'hole' };
    const algorithm = Math.floor(found.length / formatUnit);
    const isInterlaced = (header.advise & advise.interlaced) !== 0 && found.address % superblock.blockSize === 0;
    const plain = isInterlaced ? ('interlaced' as const) : ('shifted' as const);
    return {
      ...piece,
      kind: 'stored',
      isInMetadata: false,
      offset: found.address,
      bytes: found.length & lengthMask,
      format: algorithm === 0 ? plain : algorithm - 1,
      isPartial: (found.length & partialBit) !== 0,
    };
  };
}
