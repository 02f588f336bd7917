/** Directories of EROFS: blocks of entries followed by their names (struct erofs_dirent in fs/erofs/erofs_fs.h). */
import type { ErofsImage } from './erofs-inode.ts';
import { type Nid, nidOf } from './erofs-superblock.ts';
import { unsuitable } from './part.ts';

const entryBytes = 12;
/** Bytes of one directory, some 100 times a full /usr/bin: bounds what a hostile inode can make us read. */
export const maxDirectoryBytes = 16 * 1024 * 1024;

export interface ErofsEntry {
  readonly name: Buffer;
  readonly nid: () => Nid;
}

/** All entries, with `.` and `..` where the image has them. @throws UnsuitableError when damaged */
export function parseEntries(image: ErofsImage, content: Buffer): ErofsEntry[] {
  const { blockSize } = image.superblock;
  const entries: ErofsEntry[] = [];
  for (let start = 0; start < content.length; start += blockSize) {
    const block = content.subarray(start, start + blockSize);
    if (block.length < entryBytes) throw unsuitable(image.source, 'damaged EROFS: a directory ends early');
    // The first name follows the last entry, so its offset tells their number.
    const namesAt = block.readUInt16LE(8);
    if (namesAt < entryBytes || namesAt > block.length || namesAt % entryBytes !== 0) {
      throw unsuitable(image.source, `damaged EROFS: directory names at ${namesAt}`);
    }
    for (let at = 0; at < namesAt; at += entryBytes) {
      const isLast = at + entryBytes === namesAt;
      const from = block.readUInt16LE(at + 8);
      const to = isLast ? block.length : block.readUInt16LE(at + entryBytes + 8);
      if (from < namesAt || to < from || to > block.length) {
        throw unsuitable(image.source, 'damaged EROFS: a directory name outside its block');
      }
      const padded = block.subarray(from, to);
      const nul = isLast ? padded.indexOf(0) : -1;
      const name = nul === -1 ? padded : padded.subarray(0, nul);
      const nid = block.readBigUInt64LE(at);
      entries.push({ name, nid: () => nidOf(image.source, nid) });
    }
  }
  return entries;
}
