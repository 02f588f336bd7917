/** Reads files out of a squashfs 4.0 image (kernel: Documentation/filesystems/squashfs.rst). */
import type { ImageFileSystem } from './image-file-system.ts';
import { imageTree } from './image-tree.ts';
import type { RandomAccess } from './random-access.ts';
import { readContent } from './squashfs-data.ts';
import { readEntries } from './squashfs-directory.ts';
import { readInode, type SquashfsInode } from './squashfs-inode.ts';
import { metadataReader, type SquashfsImage } from './squashfs-metadata.ts';
import { readSquashfsSuperblock } from './squashfs-superblock.ts';
import { readSquashfsXattr } from './squashfs-xattr.ts';

/**
 * Opens a squashfs image; reads the superblock and the root inode. Compressors: gzip, xz, lz4, zstd.
 * @throws UnsuitableError when it is damaged, cut off, not version 4.0, or compressed with lzo or lzma
 */
export async function openSquashfs(source: RandomAccess): Promise<ImageFileSystem> {
  const superblock = await readSquashfsSuperblock(source);
  const metadata = metadataReader(source, superblock.compressor);
  const image = { source, superblock, metadata, lastFragment: keepLast() };
  const root = await readInode(image, superblock.rootInode);

  return imageTree<SquashfsInode>({
    name: source.name,
    type: 'squashfs',
    root,
    kindOf: ({ kind }) => kind,
    async find(directory, name) {
      const entry = (await readEntries(image, directory)).find((candidate) => candidate.name.equals(name));
      return entry === undefined ? undefined : readInode(image, entry.inode);
    },
    list: async (directory) => (await readEntries(image, directory)).map(({ name }) => name),
    sizeOf: ({ content }) => content?.size ?? 0,
    async read({ content }) {
      return content === undefined ? Buffer.alloc(0) : readContent(image, content);
    },
    async xattr({ xattr }, name) {
      return xattr === undefined ? undefined : readSquashfsXattr(image, xattr, name);
    },
  });
}

/** Keeps what was loaded last, by its offset. */
function keepLast(): SquashfsImage['lastFragment'] {
  let kept: { readonly offset: number; readonly data: Promise<Buffer> } | undefined;
  return (offset, load) => {
    if (kept?.offset !== offset) kept = { offset, data: load() };
    return kept.data;
  };
}
