/** The EROFS superblock (kernel: Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h). */
import { checkRange, readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

export const erofsMagic = 0xe0f5e1e2;
export const erofsSuperblockOffset = 1024;
const superblockBytes = 128;
/** A longer superblock has the nid of the metabox after the first 128 bytes. */
const metaboxNidAt = 128;
/** Logarithms of bytes: 512 to 64K. */
const minBlockBits = 9;
const maxBlockBits = 16;

const compatible = { checksum: 0x1, sharedXattrsInMetabox: 0x8, plainXattrPrefixes: 0x10 };
const incompatible = {
  zeroPadding: 0x1,
  compressorConfigs: 0x2,
  chunkedFiles: 0x4,
  secondHeadOrDeviceTable: 0x8,
  tailPacking: 0x10,
  fragmentsOrDedupe: 0x20,
  xattrPrefixes: 0x40,
  address48: 0x80,
  metabox: 0x100,
};
const knownIncompatible = Object.values(incompatible).reduce((mask, bit) => mask | bit, 0);

/** A node number: which 32-byte slot the inode begins in, of the image or of the metabox. */
export interface Nid {
  readonly inMetabox: boolean;
  readonly slot: number;
}

/** Addresses in bytes from the image's start. */
export interface ErofsSuperblock {
  readonly blockBits: number;
  readonly blockSize: number;
  readonly metaStart: number;
  readonly xattrStart: number;
  readonly root: Nid;
  /** The inode that holds tails (or all) of other files. */
  readonly packed: Nid | undefined;
  /** The inode that holds compressed metadata. */
  readonly metabox: Nid | undefined;
  readonly hasZeroPadding: boolean;
  readonly hasSharedXattrsInMetabox: boolean;
  readonly xattrPrefixes: { readonly count: number; readonly start: number; readonly isPlain: boolean };
}

/** @throws UnsuitableError when damaged, cut off, or with features that are not read here (named by number) */
export async function readErofsSuperblock(source: RandomAccess): Promise<ErofsSuperblock> {
  const bytes = await source.read(erofsSuperblockOffset, superblockBytes);
  if (bytes.readUInt32LE(0) !== erofsMagic) throw unsuitable(source, 'not an EROFS image');
  const blockBits = bytes.readUInt8(12);
  if (blockBits < minBlockBits || blockBits > maxBlockBits) {
    throw unsuitable(source, `damaged EROFS: blocks of 2^${blockBits} bytes`);
  }
  const blockSize = 2 ** blockBits;
  const compat = bytes.readUInt32LE(8);
  if ((compat & compatible.checksum) !== 0) await verifyChecksum(source, blockSize);

  const features = bytes.readUInt32LE(80);
  const unknown = (features & ~knownIncompatible) >>> 0;
  if (unknown !== 0) {
    const what = `EROFS with unknown features 0x${unknown.toString(16)}`;
    throw unsuitable(source, what, 'rebuild the image without them, or use a newer extupdate');
  }
  const has = (bit: number) => (features & bit) !== 0;
  if (bytes.readUInt16LE(86) > 0) throw unsuitable(source, 'EROFS over several devices; only single images are read');
  if (bytes.readUInt8(90) !== 0) throw unsuitable(source, 'EROFS with unusual directory blocks');

  const rootOf48Bits = has(incompatible.address48) ? bytes.readBigUInt64LE(112) : 0n;
  const blocksHigh = rootOf48Bits === 0n ? 0 : bytes.readUInt16LE(14);
  const blocks = blocksHigh * 2 ** 32 + bytes.readUInt32LE(36);
  if (blocks * blockSize > source.size) {
    const what = `EROFS is cut off: has ${source.size} bytes of ${blocks * blockSize}`;
    throw unsuitable(source, what, 'download it again');
  }
  const packed = has(incompatible.fragmentsOrDedupe) ? bytes.readBigUInt64LE(96) : 0n;
  return {
    blockBits,
    blockSize,
    metaStart: bytes.readUInt32LE(40) * blockSize,
    xattrStart: bytes.readUInt32LE(44) * blockSize,
    root: nidOf(source, rootOf48Bits === 0n ? BigInt(bytes.readUInt16LE(14)) : rootOf48Bits),
    packed: packed === 0n ? undefined : nidOf(source, packed),
    metabox: has(incompatible.metabox) ? await readMetaboxNid(source, bytes.readUInt8(13)) : undefined,
    hasZeroPadding: has(incompatible.zeroPadding),
    hasSharedXattrsInMetabox: (compat & compatible.sharedXattrsInMetabox) !== 0,
    xattrPrefixes: {
      count: has(incompatible.xattrPrefixes) ? bytes.readUInt8(91) : 0,
      start: bytes.readUInt32LE(92) * 4,
      isPlain: (compat & compatible.plainXattrPrefixes) !== 0,
    },
  };
}

/** Bit 63 says that the inode is in the metabox. */
export function nidOf(source: RandomAccess, value: bigint): Nid {
  const slot = value & 0x7fff_ffff_ffff_ffffn;
  if (slot > BigInt(Number.MAX_SAFE_INTEGER)) throw unsuitable(source, `damaged EROFS: absurd node number ${value}`);
  return { inMetabox: slot !== value, slot: Number(slot) };
}

async function readMetaboxNid(source: RandomAccess, extensionSlots: number): Promise<Nid> {
  if (extensionSlots === 0) throw unsuitable(source, 'damaged EROFS: a metabox without its node number');
  const bytes = await source.read(erofsSuperblockOffset + metaboxNidAt, 8);
  return { inMetabox: false, slot: readUint64(source, bytes, 0) };
}

/** CRC-32C, not inverted at the end, of the block with the superblock, the checksum field taken as zero. */
async function verifyChecksum(source: RandomAccess, blockSize: number): Promise<void> {
  const length = blockSize > erofsSuperblockOffset ? blockSize - erofsSuperblockOffset : blockSize;
  checkRange(source, erofsSuperblockOffset, length);
  const block = Buffer.from(await source.read(erofsSuperblockOffset, length));
  const expected = block.readUInt32LE(4);
  block.writeUInt32LE(0, 4);
  if (crc32c(block) !== expected) throw unsuitable(source, 'damaged EROFS: wrong superblock checksum');
}

/** The Castagnoli polynomial, bits reversed. */
const castagnoli = 0x82f63b78;

export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (castagnoli & -(crc & 1));
  }
  return crc >>> 0;
}
