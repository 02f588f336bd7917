/** Directory listings of squashfs: headers with up to 256 entries each (struct squashfs_dir_header, _dir_entry). */
import { unsuitable } from './part.ts';
import type { SquashfsInode } from './squashfs-inode.ts';
import type { SquashfsImage } from './squashfs-metadata.ts';

const headerBytes = 12;
const entryBytes = 8;
/** Entries under one header (SQUASHFS_DIR_COUNT). */
const maxEntriesPerHeader = 256;
/** Bytes of one listing, some 100 times a full /usr/bin: bounds what a hostile inode can make us decompress. */
const maxListingBytes = 16 * 1024 * 1024;

export interface SquashfsEntry {
  readonly name: Buffer;
  /** For readInode. */
  readonly inode: number;
}

/** All entries of a directory, sorted by name as stored. @throws UnsuitableError when damaged */
export async function readEntries(image: SquashfsImage, directory: SquashfsInode): Promise<SquashfsEntry[]> {
  const { source, superblock, metadata } = image;
  const { listing } = directory;
  if (listing === undefined || listing.bytes === 0) return [];
  if (listing.bytes > maxListingBytes) throw unsuitable(source, `squashfs: a directory of ${listing.bytes} bytes`);
  const position = { block: superblock.directoryTable + listing.block, offset: listing.offset };
  const bytes = await metadata.cursor(position).read(listing.bytes);

  const entries: SquashfsEntry[] = [];
  let at = 0;
  const take = (length: number) => {
    if (at + length > bytes.length) throw unsuitable(source, 'damaged squashfs: a directory entry is cut off');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const header = take(headerBytes);
    const count = header.readUInt32LE(0) + 1;
    if (count > maxEntriesPerHeader) throw unsuitable(source, `damaged squashfs: ${count} entries under one header`);
    const block = header.readUInt32LE(4);
    for (let index = 0; index < count; index++) {
      const entry = take(entryBytes);
      const name = take(entry.readUInt16LE(6) + 1);
      entries.push({ name, inode: block * 0x10000 + entry.readUInt16LE(0) });
    }
  }
  return entries;
}
