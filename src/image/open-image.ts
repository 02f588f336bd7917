/** Opens an extension image of whatever format: squashfs or EROFS, as they are or inside a partition table. */
import { openErofs } from './erofs.ts';
import { erofsMagic, erofsSuperblockOffset } from './erofs-superblock.ts';
import { isPartitioned, readPartitions } from './gpt.ts';
import type { ImageFileSystem } from './image-file-system.ts';
import { pathComponents } from './image-tree.ts';
import { describeContent } from './magic.ts';
import { cached, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';
import { openSquashfs } from './squashfs.ts';
import { squashfsMagic } from './squashfs-superblock.ts';

/** Metadata is small and near together: few reads of this many bytes, each one request when the image is remote. */
const imageCache = { blockSize: 64 * 1024, maxBytes: 16 * 1024 * 1024 };

/**
 * Opens an image. Of a partitioned one, the root partition is read, with the usr partition (if any) in the place of
 * its `usr`. The source stays in use; the caller closes it.
 * @throws UnsuitableError that says what was found instead, or what is damaged
 */
export async function openImage(source: RandomAccess): Promise<ImageFileSystem> {
  const image = cached(source, imageCache);
  const plain = await openFileSystem(image);
  if (plain !== undefined) return plain;
  if (!(await isPartitioned(image))) {
    const what = await describeContent(image);
    const found = what === undefined ? 'neither squashfs, EROFS nor a partition table' : `looks like ${what}`;
    throw unsuitable(source, `not an extension image: ${found}`);
  }

  const { root, usr } = await readPartitions(image);
  const open = async (kind: string, partition: RandomAccess) => {
    const tree = await openFileSystem(partition);
    if (tree !== undefined) return tree;
    const what = (await describeContent(partition)) ?? 'something unknown';
    throw unsuitable(source, `the ${kind} partition holds ${what}; only squashfs and EROFS are read`);
  };
  if (usr !== undefined) {
    const outside = root === undefined ? undefined : await open('root', root.content);
    return withUsr(await open('usr', usr.content), outside);
  }
  if (root === undefined) throw unsuitable(source, 'the partition table has no root or usr partition');
  return open('root', root.content);
}

async function openFileSystem(source: RandomAccess): Promise<ImageFileSystem | undefined> {
  if (source.size >= 4 && (await source.read(0, 4)).readUInt32LE(0) === squashfsMagic) return openSquashfs(source);
  if (source.size < erofsSuperblockOffset + 4) return undefined;
  const magic = (await source.read(erofsSuperblockOffset, 4)).readUInt32LE(0);
  return magic === erofsMagic ? openErofs(source) : undefined;
}

/** `usr` mounted at `usr/` of `root`, which may be missing. */
function withUsr(usr: ImageFileSystem, root: ImageFileSystem | undefined): ImageFileSystem {
  const resolve = (path: string): [ImageFileSystem | undefined, string] => {
    const [first, ...rest] = pathComponents(path) ?? ['..'];
    return first === 'usr' ? [usr, rest.join('/')] : [root, path];
  };
  return {
    type: usr.type,
    async readDirectory(path) {
      const [tree, inside] = resolve(path);
      const names = await tree?.readDirectory(inside);
      if (pathComponents(path)?.length !== 0) return names;
      return [...(names ?? []).filter((name) => name !== 'usr'), 'usr'];
    },
    async readFile(path, limit) {
      const [tree, inside] = resolve(path);
      return tree?.readFile(inside, limit);
    },
    async fileSize(path) {
      const [tree, inside] = resolve(path);
      return tree?.fileSize(inside);
    },
    async readXattr(path, name) {
      const [tree, inside] = resolve(path);
      return tree?.readXattr(inside, name);
    },
  };
}
