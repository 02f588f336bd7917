/** Extended attributes of EROFS: after the inode, or shared between inodes (struct erofs_xattr_* in erofs_fs.h). */
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';
import { unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

const headerBytes = 12;
const entryBytes = 4;
/** In an entry's name index: the rest is the number of a long prefix. */
const longPrefix = 0x80;
const prefixes = [
  '',
  'user.',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'trusted.',
  'lustre.',
  'security.',
];

/** The value of attribute `name` (with its prefix). @throws UnsuitableError when damaged */
export async function readErofsXattr(image: ErofsImage, inode: ErofsInode, name: string): Promise<Buffer | undefined> {
  const { start, bytes } = inode.xattrs;
  if (bytes === 0) return undefined;
  const body = await (await image.metadata(inode.inMetabox)).read(start, bytes);
  const sharedCount = body.readUInt8(4);
  const inlineAt = headerBytes + sharedCount * 4;
  if (inlineAt > bytes) throw unsuitable(image.source, 'damaged EROFS: shared xattrs outside their inode');

  for (let at = inlineAt; at < bytes; ) {
    const entry = parseEntry(image, body.subarray(at));
    if ((await fullName(image, entry)) === name) return entry.value;
    at += Math.ceil(entry.bytes / 4) * 4;
  }
  const { xattrStart, hasSharedXattrsInMetabox } = image.superblock;
  for (let index = 0; index < sharedCount; index++) {
    const metadata = await image.metadata(hasSharedXattrsInMetabox);
    const at = (hasSharedXattrsInMetabox ? 0 : xattrStart) + body.readUInt32LE(headerBytes + index * 4) * 4;
    const head = await metadata.read(at, entryBytes);
    const entry = parseEntry(image, await metadata.read(at, entryBytes + head.readUInt8(0) + head.readUInt16LE(2)));
    if ((await fullName(image, entry)) === name) return entry.value;
  }
  return undefined;
}

interface Entry {
  readonly prefix: number;
  readonly suffix: string;
  readonly value: Buffer;
  readonly bytes: number;
}

function parseEntry(image: ErofsImage, from: Buffer): Entry {
  const tooShort = () => unsuitable(image.source, 'damaged EROFS: an xattr is cut off');
  if (from.length < entryBytes) throw tooShort();
  const nameEnd = entryBytes + from.readUInt8(0);
  const bytes = nameEnd + from.readUInt16LE(2);
  if (bytes > from.length) throw tooShort();
  const suffix = from.subarray(entryBytes, nameEnd).toString();
  return { prefix: from.readUInt8(1), suffix, value: from.subarray(nameEnd, bytes), bytes };
}

async function fullName(image: ErofsImage, { prefix, suffix }: Entry): Promise<string> {
  if ((prefix & longPrefix) === 0) return `${prefixes[prefix] ?? '?.'}${suffix}`;
  return `${await readLongPrefix(image, prefix & ~longPrefix)}${suffix}`;
}

/** Records of a 16-bit length and, aligned to 4, that many bytes: the number of a short prefix, and what follows it. */
async function readLongPrefix(image: ErofsImage, wanted: number): Promise<string> {
  const { count, start } = image.superblock.xattrPrefixes;
  if (wanted >= count) throw unsuitable(image.source, `damaged EROFS: xattr prefix ${wanted} of ${count}`);
  const home = await prefixHome(image);
  let at = start;
  for (let index = 0; ; index++) {
    const length = (await home.read(at, 2)).readUInt16LE(0);
    if (length === 0) throw unsuitable(image.source, 'damaged EROFS: empty xattr prefix');
    if (index === wanted) {
      const record = await home.read(at + 2, length);
      return `${prefixes[record.readUInt8(0)] ?? '?.'}${record.subarray(1).toString()}`;
    }
    at = Math.ceil((at + 2 + length) / 4) * 4;
  }
}

async function prefixHome(image: ErofsImage): Promise<RandomAccess> {
  const { xattrPrefixes, metabox, packed } = image.superblock;
  if (xattrPrefixes.isPlain) return image.source;
  if (metabox !== undefined) return image.metadata(true);
  return packed === undefined ? image.source : image.packed();
}
