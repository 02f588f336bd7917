/** Extended attributes of squashfs (struct squashfs_xattr_* in fs/squashfs/squashfs_fs.h). */
import { readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';
import { indexedPosition, type MetadataCursor, positionOf, type SquashfsImage } from './squashfs-metadata.ts';

const tableHeaderBytes = 16;
const idRecordBytes = 16;
/** In an entry's type: the value lies elsewhere and a reference to it stands here (SQUASHFS_XATTR_VALUE_OOL). */
const valueElsewhere = 0x100;
const prefixes = ['user.', 'trusted.', 'security.'];
/** Attributes of one inode, and bytes of one value (XATTR_SIZE_MAX of Linux). */
const maxAttributes = 1024;
const maxValueBytes = 64 * 1024;

/** The value of attribute `name` (with its prefix) of the inode whose xattr index is `id`. @throws UnsuitableError */
export async function readSquashfsXattr(image: SquashfsImage, id: number, name: string): Promise<Buffer | undefined> {
  const { source, metadata } = image;
  const table = image.superblock.xattrTable;
  if (table === undefined) return undefined;
  const header = await source.read(table, tableHeaderBytes);
  const start = readUint64(source, header, 0);
  const ids = header.readUInt32LE(8);
  if (id >= ids) throw unsuitable(source, `damaged squashfs: xattr id ${id} of ${ids}`);
  const recordAt = await indexedPosition(source, table + tableHeaderBytes, id, idRecordBytes);
  const record = await metadata.cursor(recordAt).read(idRecordBytes);
  const count = record.readUInt32LE(8);
  if (count > maxAttributes) throw unsuitable(source, `squashfs: an inode with ${count} extended attributes`);

  const cursor = metadata.cursor(positionOf(start, readUint64(source, record, 0)));
  for (let index = 0; index < count; index++) {
    const entry = await cursor.read(4);
    const type = entry.readUInt16LE(0);
    const suffix = await cursor.read(entry.readUInt16LE(2));
    const value = await readValue(source, cursor);
    if (`${prefixes[type & 0xff] ?? ''}${suffix.toString()}` !== name) continue;
    if ((type & valueElsewhere) === 0) return value;
    if (value.length !== 8) throw unsuitable(source, 'damaged squashfs: xattr value reference');
    return readValue(source, metadata.cursor(positionOf(start, readUint64(source, value, 0))));
  }
  return undefined;
}

async function readValue(source: RandomAccess, cursor: MetadataCursor): Promise<Buffer> {
  const bytes = (await cursor.read(4)).readUInt32LE(0);
  if (bytes > maxValueBytes) throw unsuitable(source, `damaged squashfs: xattr value of ${bytes} bytes`);
  return cursor.read(bytes);
}
