/** Reads files out of an EROFS image (kernel: Documentation/filesystems/erofs.rst). */
import { readCompressed } from './erofs-compressed.ts';
import { maxDirectoryBytes, parseEntries } from './erofs-directory.ts';
import { readChunks, readFlat } from './erofs-flat.ts';
import { type ErofsImage, type ErofsInode, readErofsInode } from './erofs-inode.ts';
import { type Nid, readErofsSuperblock } from './erofs-superblock.ts';
import { readErofsXattr } from './erofs-xattr.ts';
import type { ImageFileSystem } from './image-file-system.ts';
import { imageTree } from './image-tree.ts';
import { cached, checkRange, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

/** The packed inode and the metabox are compressed: what was unpacked is kept, and read in pieces of this size. */
const innerCache = { blockSize: 64 * 1024, maxBytes: 4 * 1024 * 1024 };

/**
 * Opens an EROFS image; reads the superblock and the root inode. Compressors: lz4, deflate, zstd; MicroLZMA is refused
 * when a file that uses it is read.
 * @throws UnsuitableError when it is damaged, cut off, spread over devices, or has features unknown here
 */
export async function openErofs(source: RandomAccess): Promise<ImageFileSystem> {
  const superblock = await readErofsSuperblock(source);
  // Once opened kept; the inodes themselves may not need what is inside them, or reading would never end.
  const inside = (what: string, nid: Nid | undefined, banned: readonly string[]) => {
    let opened: Promise<RandomAccess> | undefined;
    return () => {
      opened ??= openInner(image, what, nid, banned);
      return opened;
    };
  };
  const metabox = inside('metabox', superblock.metabox, ['metabox', 'packed inode']);
  const packed = inside('packed inode', superblock.packed, ['packed inode']);
  const image: ErofsImage = {
    source,
    superblock,
    metadata: async (inMetabox) => (inMetabox ? metabox() : source),
    packed,
  };
  const entries = async (directory: ErofsInode) => {
    if (directory.size > maxDirectoryBytes) throw unsuitable(source, `EROFS: a directory of ${directory.size} bytes`);
    return parseEntries(image, await readRange(image, directory, 0, directory.size));
  };

  return imageTree<ErofsInode>({
    name: source.name,
    type: 'erofs',
    root: await readErofsInode(image, superblock.root),
    kindOf: ({ kind }) => kind,
    async find(directory, name) {
      const entry = (await entries(directory)).find((candidate) => candidate.name.equals(name));
      return entry === undefined ? undefined : readErofsInode(image, entry.nid());
    },
    list: async (directory) => (await entries(directory)).map(({ name }) => name),
    sizeOf: ({ size }) => size,
    read: (file) => readRange(image, file, 0, file.size),
    xattr: (inode, name) => readErofsXattr(image, inode, name),
  });
}

async function readRange(image: ErofsImage, inode: ErofsInode, offset: number, length: number): Promise<Buffer> {
  checkRange({ name: image.source.name, size: inode.size }, offset, length);
  const output = Buffer.alloc(length);
  if (length === 0) return output;
  switch (inode.layout) {
    case 'plain':
    case 'inline':
      await readFlat(image, inode, offset, output);
      break;
    case 'chunks':
      await readChunks(image, inode, offset, output);
      break;
    case 'full index':
    case 'compact index':
      await readCompressed(image, inode, offset, output);
      break;
  }
  return output;
}

/** The content of one of the image's own inodes, as a source. */
async function openInner(
  image: ErofsImage,
  what: string,
  nid: Nid | undefined,
  banned: readonly string[],
): Promise<RandomAccess> {
  const { source } = image;
  if (nid === undefined) throw unsuitable(source, `damaged EROFS: it has no ${what}`);
  const refuse = (other: string, open: () => Promise<RandomAccess>) => () =>
    banned.includes(other)
      ? Promise.reject(unsuitable(source, `damaged EROFS: the ${what} needs the ${other}`))
      : open();
  const limited: ErofsImage = {
    ...image,
    metadata: async (inMetabox) => (inMetabox ? refuse('metabox', () => image.metadata(true))() : source),
    packed: refuse('packed inode', image.packed),
  };
  const inode = await readErofsInode(limited, nid);
  const inner = {
    name: source.name,
    size: inode.size,
    read: (offset: number, length: number) => readRange(limited, inode, offset, length),
  };
  return cached(inner, innerCache);
}
