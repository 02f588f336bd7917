/** GUID partition tables (UEFI specification, chapter 5.3), read as far as finding root and usr needs. */
import { crc32 } from 'node:zlib';
import { nativeArchitectures, partitionTypes } from './gpt-types.ts';
import { partOf, readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

const signature = Buffer.from('EFI PART', 'latin1');
/** Bytes; 512 as on most disks, 4096 as on some. */
const sectorSizes = [512, 4096];
const headerBytes = 92;
/** Entries, and bytes of each; tools make 128 of 128. */
const maxEntries = 1024;
const minEntryBytes = 128;
const maxEntryBytes = 4096;
/** Attribute bit 63: systemd ignores the partition. */
const noAuto = 1n << 63n;

export interface Partition {
  readonly kind: 'root' | 'usr';
  readonly architecture: string;
  readonly content: RandomAccess;
}

interface Table {
  readonly entries: Buffer;
  readonly entryBytes: number;
  readonly sectorSize: number;
}

/** Whether the source has a partition table, at its start; a damaged one is found out by readPartitions. */
export async function isPartitioned(source: RandomAccess): Promise<boolean> {
  for (const sectorSize of sectorSizes) {
    if (source.size < sectorSize + headerBytes) continue;
    if ((await source.read(sectorSize, signature.length)).equals(signature)) return true;
  }
  return false;
}

/**
 * The root and the usr partition that systemd would mount: of this machine's architecture, else the first of any.
 * Checksums are verified; when the table at the start is damaged, the one at the end counts.
 * @throws UnsuitableError when both tables are damaged, or a partition reaches out of the image
 */
export async function readPartitions(source: RandomAccess): Promise<{ root?: Partition; usr?: Partition }> {
  const partitions = parseEntries(source, await readTable(source));
  const native = nativeArchitectures[process.arch];
  const pick = (kind: Partition['kind']) => {
    const ofKind = partitions.filter((partition) => partition.kind === kind);
    return ofKind.find(({ architecture }) => architecture === native) ?? ofKind[0];
  };
  const [root, usr] = [pick('root'), pick('usr')];
  return { ...(root === undefined ? {} : { root }), ...(usr === undefined ? {} : { usr }) };
}

async function readTable(source: RandomAccess): Promise<Table> {
  const problems: string[] = [];
  for (const sectorSize of sectorSizes) {
    const last = Math.floor(source.size / sectorSize) - 1;
    for (const sector of [1, last]) {
      if (sector < 1 || sector > last) continue;
      const table = await readTableAt(source, sectorSize, sector);
      if (typeof table !== 'string') return table;
      problems.push(`${sector === 1 ? 'primary' : 'backup'} with sectors of ${sectorSize}: ${table}`);
    }
  }
  throw unsuitable(source, `damaged partition table (${problems.join('; ')})`);
}

/** The table whose header is in a sector, or what is wrong with it. */
async function readTableAt(source: RandomAccess, sectorSize: number, sector: number): Promise<Table | string> {
  const header = Buffer.from(await source.read(sector * sectorSize, sectorSize));
  if (!header.subarray(0, signature.length).equals(signature)) return 'no header';
  const bytes = header.readUInt32LE(12);
  if (bytes < headerBytes || bytes > sectorSize) return `header of ${bytes} bytes`;
  const checksum = header.readUInt32LE(16);
  header.writeUInt32LE(0, 16);
  if (crc32(header.subarray(0, bytes)) !== checksum) return 'wrong header checksum';
  if (header.readBigUInt64LE(24) !== BigInt(sector)) return 'header belongs elsewhere';

  const count = header.readUInt32LE(80);
  const entryBytes = header.readUInt32LE(84);
  if (count > maxEntries || entryBytes < minEntryBytes || entryBytes > maxEntryBytes || entryBytes % 128 !== 0) {
    return `${count} entries of ${entryBytes} bytes`;
  }
  const start = header.readBigUInt64LE(72) * BigInt(sectorSize);
  if (start + BigInt(count * entryBytes) > BigInt(source.size)) return 'entries outside the image';
  const entries = await source.read(Number(start), count * entryBytes);
  if (crc32(entries) !== header.readUInt32LE(88)) return 'wrong checksum of the entries';
  return { entries, entryBytes, sectorSize };
}

function parseEntries(source: RandomAccess, { entries, entryBytes, sectorSize }: Table): Partition[] {
  const partitions: Partition[] = [];
  for (let at = 0; at < entries.length; at += entryBytes) {
    const found = typeOf(guidAt(entries, at));
    if (found === undefined || (entries.readBigUInt64LE(at + 48) & noAuto) !== 0n) continue;
    const first = readUint64(source, entries, at + 32);
    const last = readUint64(source, entries, at + 40);
    if (last < first)
      throw unsuitable(source, `damaged partition table: the ${found.kind} partition ends before it begins`);
    const content = partOf(source, first * sectorSize, (last - first + 1) * sectorSize);
    partitions.push({ ...found, content });
  }
  return partitions;
}

function typeOf(guid: string): { kind: Partition['kind']; architecture: string } | undefined {
  for (const [architecture, [root, usr]] of Object.entries(partitionTypes)) {
    if (guid === root) return { kind: 'root', architecture };
    if (guid === usr) return { kind: 'usr', architecture };
  }
  return undefined;
}

/** The first three groups are stored little-endian, the others as they are written. */
function guidAt(bytes: Buffer, at: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const groups = [
    hex(bytes.readUInt32LE(at), 8),
    hex(bytes.readUInt16LE(at + 4), 4),
    hex(bytes.readUInt16LE(at + 6), 4),
    bytes.toString('hex', at + 8, at + 10),
    bytes.toString('hex', at + 10, at + 16),
  ];
  return groups.join('-');
}
