/** The squashfs 4.0 superblock (kernel: Documentation/filesystems/squashfs.rst, fs/squashfs/squashfs_fs.h). */
import type { Compressor } from './block-decompress.ts';
import { checkRange, readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

export const squashfsMagic = 0x73717368;
const superblockBytes = 96;
/** Bytes; the format's limits (SQUASHFS_FILE_MAX_SIZE). */
const minBlockSize = 4096;
const maxBlockSize = 1024 * 1024;
/** Fragment blocks; each holds at least one file's tail, and no extension has millions of files. */
const maxFragments = 1 << 24;
/** In place of a table's offset: the table is missing (SQUASHFS_INVALID_BLK). */
const noTable = 0xffff_ffff_ffff_ffffn;

const compressors: Readonly<Record<number, Compressor>> = { 1: 'zlib', 4: 'xz', 5: 'lz4', 6: 'zstd' };
const refusedCompressors: Readonly<Record<number, string>> = { 2: 'lzma', 3: 'lzo' };

export interface SquashfsSuperblock {
  readonly compressor: Compressor;
  /** Bytes of a data block. */
  readonly blockSize: number;
  readonly fragmentCount: number;
  /** Offset in the inode table's metadata: block position * 65536 + offset in the block. */
  readonly rootInode: number;
  /** Absolute offsets in bytes; undefined when the image has no such table. */
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number | undefined;
  readonly xattrTable: number | undefined;
}

/** @throws UnsuitableError when damaged, cut off, of an older format, or compressed with what is not read here */
export async function readSquashfsSuperblock(source: RandomAccess): Promise<SquashfsSuperblock> {
  const bytes = await source.read(0, superblockBytes);
  if (bytes.readUInt32LE(0) !== squashfsMagic) throw unsuitable(source, 'not a squashfs image');
  const major = bytes.readUInt16LE(28);
  const minor = bytes.readUInt16LE(30);
  if (major !== 4 || minor !== 0) throw unsuitable(source, `squashfs ${major}.${minor}; only 4.0 is read`);

  const blockSize = bytes.readUInt32LE(12);
  const blockLog = bytes.readUInt16LE(22);
  if (blockSize < minBlockSize || blockSize > maxBlockSize || blockSize !== 2 ** blockLog) {
    throw unsuitable(source, `damaged squashfs: block size ${blockSize}, logarithm ${blockLog}`);
  }
  const fragmentCount = bytes.readUInt32LE(16);
  if (fragmentCount > maxFragments) throw unsuitable(source, `damaged squashfs: ${fragmentCount} fragments`);
  const bytesUsed = readUint64(source, bytes, 40);
  if (bytesUsed > source.size) {
    throw unsuitable(source, `squashfs is cut off: has ${source.size} bytes of ${bytesUsed}`, 'download it again');
  }

  const table = (at: number) => {
    if (bytes.readBigUInt64LE(at) === noTable) return undefined;
    const offset = readUint64(source, bytes, at);
    checkRange({ name: source.name, size: bytesUsed }, offset, 0);
    return offset;
  };
  const inodeTable = table(64);
  const directoryTable = table(72);
  if (inodeTable === undefined || directoryTable === undefined) {
    throw unsuitable(source, 'damaged squashfs: no inode or directory table');
  }
  return {
    compressor: compressorOf(source, bytes.readUInt16LE(20)),
    blockSize,
    fragmentCount,
    rootInode: readUint64(source, bytes, 32),
    inodeTable,
    directoryTable,
    fragmentTable: table(80),
    xattrTable: table(56),
  };
}

function compressorOf(source: RandomAccess, id: number): Compressor {
  const known = compressors[id];
  if (known !== undefined) return known;
  const refused = refusedCompressors[id];
  const what = refused ?? `unknown compressor ${id}`;
  const next = 'rebuild the image with another compressor, for example zstd';
  throw unsuitable(source, `squashfs compressed with ${what}, which cannot be read here`, next);
}
