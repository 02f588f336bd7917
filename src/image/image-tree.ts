/** Path lookup that is the same for every image format; a format supplies its inodes. */
import type { ImageFileSystem } from './image-file-system.ts';
import { unsuitable } from './part.ts';

/** Path components; a lookup reads one directory per component, and release files lie four deep. */
const maxPathDepth = 32;
/** Bytes in a name (NAME_MAX). */
const maxNameBytes = 255;

export type InodeKind = 'directory' | 'file' | 'other';

/** What a format knows of its inodes. All methods throw UnsuitableError when the image is damaged. */
export interface InodeReader<Inode> {
  readonly name: string;
  readonly type: ImageFileSystem['type'];
  readonly root: Inode;
  kindOf(inode: Inode): InodeKind;
  /** The inode a directory has under a name, without looking at other entries' inodes. */
  find(directory: Inode, name: Buffer): Promise<Inode | undefined>;
  /** All raw names, `.` and `..` left out or not. */
  list(directory: Inode): Promise<Buffer[]>;
  sizeOf(file: Inode): number;
  /** The whole content; called after `sizeOf` was checked against the caller's limit. */
  read(file: Inode): Promise<Buffer>;
  xattr(inode: Inode, name: string): Promise<Buffer | undefined>;
}

/** The components of a path inside an image; undefined when it could not name anything there (`..`, too long). */
export function pathComponents(path: string): string[] | undefined {
  const components = path.split('/').filter((component) => component !== '' && component !== '.');
  const isSane = components.every(
    (component) => component !== '..' && !component.includes('\0') && Buffer.byteLength(component) <= maxNameBytes,
  );
  return isSane && components.length <= maxPathDepth ? components : undefined;
}

/** The file system that a format's inodes make up. */
export function imageTree<Inode>(inodes: InodeReader<Inode>): ImageFileSystem {
  async function lookup(path: string): Promise<Inode | undefined> {
    const components = pathComponents(path);
    if (components === undefined) return undefined;
    let inode: Inode | undefined = inodes.root;
    for (const component of components) {
      if (inode === undefined || inodes.kindOf(inode) !== 'directory') return undefined;
      inode = await inodes.find(inode, Buffer.from(component));
    }
    return inode;
  }

  return {
    type: inodes.type,
    async readDirectory(path) {
      const inode = await lookup(path);
      if (inode === undefined || inodes.kindOf(inode) !== 'directory') return undefined;
      const names = (await inodes.list(inode)).map((name) => checkedName(inodes.name, name));
      return names.filter((name) => name !== '.' && name !== '..');
    },
    async readFile(path, limit) {
      const inode = await lookup(path);
      if (inode === undefined || inodes.kindOf(inode) !== 'file') return undefined;
      const size = inodes.sizeOf(inode);
      if (size > limit)
        throw unsuitable(inodes, `'${path}' has ${size} bytes, more than the ${limit} that are sensible`);
      return inodes.read(inode);
    },
    async fileSize(path) {
      const inode = await lookup(path);
      return inode !== undefined && inodes.kindOf(inode) === 'file' ? inodes.sizeOf(inode) : undefined;
    },
    async readXattr(path, name) {
      const inode = await lookup(path);
      return inode === undefined ? undefined : (await inodes.xattr(inode, name))?.toString();
    },
  };
}

/** A name with a slash in it would let an image lead its reader to another path. */
function checkedName(image: string, name: Buffer): string {
  if (name.length === 0 || name.length > maxNameBytes || name.includes(0) || name.includes('/')) {
    throw unsuitable({ name: image }, 'damaged: a directory holds an impossible name');
  }
  return name.toString();
}
