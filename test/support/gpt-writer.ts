/** Disk images with a partition table. */
import { crc32 } from 'node:zlib';

export interface GptPartition {
  /** The type GUID. */
  readonly type: string;
  readonly content: Buffer;
  readonly attributes?: bigint;
}

/** A disk image with a partition table, both copies of it; written here because sgdisk knows no 4096-byte sectors. */
export function makeGpt(partitions: readonly GptPartition[], sectorSize = 512): Buffer {
  const entrySectors = Math.ceil((128 * 128) / sectorSize);
  const entries = Buffer.alloc(entrySectors * sectorSize);
  const contents: Buffer[] = [];
  let sector = 2 + entrySectors;
  for (const [index, { type, content, attributes = 0n }] of partitions.entries()) {
    const sectors = Math.ceil(content.length / sectorSize);
    const at = index * 128;
    guidBytes(type).copy(entries, at);
    guidBytes(`00000000-0000-0000-0000-00000000000${index + 1}`).copy(entries, at + 16);
    entries.writeBigUInt64LE(BigInt(sector), at + 32);
    entries.writeBigUInt64LE(BigInt(sector + sectors - 1), at + 40);
    entries.writeBigUInt64LE(attributes, at + 48);
    contents.push(content, Buffer.alloc(sectors * sectorSize - content.length));
    sector += sectors;
  }
  const last = sector + entrySectors;
  const header = (own: number, other: number, entriesAt: number) => {
    const bytes = Buffer.alloc(sectorSize);
    bytes.write('EFI PART', 'latin1');
    bytes.writeUInt32LE(0x10000, 8);
    bytes.writeUInt32LE(92, 12);
    bytes.writeBigUInt64LE(BigInt(own), 24);
    bytes.writeBigUInt64LE(BigInt(other), 32);
    bytes.writeBigUInt64LE(BigInt(2 + entrySectors), 40);
    bytes.writeBigUInt64LE(BigInt(sector - 1), 48);
    bytes.writeBigUInt64LE(BigInt(entriesAt), 72);
    bytes.writeUInt32LE(128, 80);
    bytes.writeUInt32LE(128, 84);
    bytes.writeUInt32LE(crc32(entries.subarray(0, 128 * 128)), 88);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 92)), 16);
    return bytes;
  };
  const boot = Buffer.alloc(sectorSize);
  return Buffer.concat([boot, header(1, last, 2), entries, ...contents, entries, header(last, 1, sector)]);
}

function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
