/**
 * Makes small, uncompressed squashfs 4.0 images without any tool, so that tests of updates run wherever Node does. The
 * kernel mounts them (the end-to-end tests merge them); reading is tested with the images of mksquashfs and mkfs.erofs.
 */

/** File contents by path; directories follow from them. */
export type ImageTree = Readonly<Record<string, string | Uint8Array>>;

interface Node {
  readonly name: string;
  readonly content?: Buffer;
  readonly children: Map<string, Node>;
  inode: number;
  /** Place in the one metadata block of the inode table. */
  offset: number;
}

const BLOCK_SIZE = 128 * 1024;
const METADATA_SIZE = 8192;
const NONE = 0xffff_ffff_ffff_ffffn;
const UNCOMPRESSED_METADATA = 0x8000;
const UNCOMPRESSED_DATA = 1 << 24;
/** Nothing is compressed, there are no fragments and no xattrs. */
const FLAGS = 0x0001 | 0x0002 | 0x0008 | 0x0010 | 0x0200 | 0x0800;

/** The bytes of an image that holds the tree. */
export function writeSquashfs(tree: ImageTree, options: { readonly mtime?: number } = {}): Buffer {
  const root = buildTree(tree);
  const nodes = numberNodes(root);
  const mtime = options.mtime ?? 1_700_000_000;

  const data: Buffer[] = [];
  let dataAt = 96;
  const inodes: Buffer[] = [];
  const listings: Buffer[] = [];
  let inodeAt = 0;
  let listingAt = 0;
  const parents = new Map<Node, Node>();
  for (const node of nodes) for (const child of node.children.values()) parents.set(child, node);

  // Children come before their directory, which needs to know where their inodes are.
  for (const node of nodes.toReversed()) {
    let inode: Buffer;
    if (node.content) {
      inode = fileInode(node, mtime, dataAt);
      data.push(node.content);
      dataAt += node.content.length;
    } else {
      const listing = directoryListing(node);
      inode = directoryInode(node, parents.get(node), mtime, nodes.length, listing.length, listingAt);
      listings.push(listing);
      listingAt += listing.length;
    }
    node.offset = inodeAt;
    inodes.push(inode);
    inodeAt += inode.length;
  }

  const inodeTable = metadataBlock(Buffer.concat(inodes));
  const directoryTable = metadataBlock(Buffer.concat(listings));
  const ids = metadataBlock(Buffer.alloc(4));
  const inodeStart = dataAt;
  const directoryStart = inodeStart + inodeTable.length;
  const idsStart = directoryStart + directoryTable.length;
  const idTableStart = idsStart + ids.length;
  const idTable = Buffer.alloc(8);
  idTable.writeBigUInt64LE(BigInt(idsStart));

  const superblock = Buffer.alloc(96);
  superblock.write('hsqs', 0, 'latin1');
  superblock.writeUInt32LE(nodes.length, 4);
  superblock.writeUInt32LE(mtime, 8);
  superblock.writeUInt32LE(BLOCK_SIZE, 12);
  superblock.writeUInt16LE(1, 20);
  superblock.writeUInt16LE(17, 22);
  superblock.writeUInt16LE(FLAGS, 24);
  superblock.writeUInt16LE(1, 26);
  superblock.writeUInt16LE(4, 28);
  superblock.writeBigUInt64LE(BigInt(root.offset), 32);
  superblock.writeBigUInt64LE(BigInt(idTableStart + idTable.length), 40);
  superblock.writeBigUInt64LE(BigInt(idTableStart), 48);
  superblock.writeBigUInt64LE(NONE, 56);
  superblock.writeBigUInt64LE(BigInt(inodeStart), 64);
  superblock.writeBigUInt64LE(BigInt(directoryStart), 72);
  superblock.writeBigUInt64LE(NONE, 80);
  superblock.writeBigUInt64LE(NONE, 88);

  const image = Buffer.concat([superblock, ...data, inodeTable, directoryTable, ids, idTable]);
  return Buffer.concat([image, Buffer.alloc((4096 - (image.length % 4096)) % 4096)]);
}

function buildTree(tree: ImageTree): Node {
  const root: Node = { name: '', children: new Map(), inode: 0, offset: 0 };
  for (const [path, content] of Object.entries(tree)) {
    const parts = path.split('/').filter((part) => part !== '');
    let node = root;
    for (const [index, part] of parts.entries()) {
      const isFile = index === parts.length - 1;
      const child = node.children.get(part) ?? {
        name: part,
        children: new Map(),
        inode: 0,
        offset: 0,
        ...(isFile ? { content: Buffer.from(content) } : {}),
      };
      node.children.set(part, child);
      node = child;
    }
  }
  return root;
}

/** Breadth first, so that a directory stands before all that is in it. */
function numberNodes(root: Node): Node[] {
  const nodes = [root];
  for (const node of nodes) {
    const sorted = [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    nodes.push(...sorted);
  }
  for (const [index, node] of nodes.entries()) node.inode = index + 1;
  return nodes;
}

function inodeHeader(type: number, mode: number, mtime: number, inode: number, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  buffer.writeUInt16LE(type, 0);
  buffer.writeUInt16LE(mode, 2);
  buffer.writeUInt32LE(mtime, 8);
  buffer.writeUInt32LE(inode, 12);
  return buffer;
}

function fileInode(node: Node, mtime: number, dataAt: number): Buffer {
  const size = node.content?.length ?? 0;
  const blocks = Math.ceil(size / BLOCK_SIZE);
  const buffer = inodeHeader(2, 0o644, mtime, node.inode, 32 + 4 * blocks);
  buffer.writeUInt32LE(size === 0 ? 0 : dataAt, 16);
  buffer.writeUInt32LE(0xffff_ffff, 20);
  buffer.writeUInt32LE(size, 28);
  for (let block = 0; block < blocks; block++) {
    const length = Math.min(BLOCK_SIZE, size - block * BLOCK_SIZE);
    buffer.writeUInt32LE(length | UNCOMPRESSED_DATA, 32 + 4 * block);
  }
  return buffer;
}

function directoryInode(
  node: Node,
  parent: Node | undefined,
  mtime: number,
  count: number,
  listingSize: number,
  listingAt: number,
): Buffer {
  const buffer = inodeHeader(1, 0o755, mtime, node.inode, 32);
  const directories = [...node.children.values()].filter((child) => child.content === undefined).length;
  buffer.writeUInt32LE(2 + directories, 20);
  buffer.writeUInt16LE(listingSize + 3, 24);
  buffer.writeUInt16LE(listingAt, 26);
  buffer.writeUInt32LE(parent?.inode ?? count + 1, 28);
  return buffer;
}

function directoryListing(node: Node): Buffer {
  const children = [...node.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const [first] = children;
  if (!first) return Buffer.alloc(0);
  const header = Buffer.alloc(12);
  header.writeUInt32LE(children.length - 1, 0);
  header.writeUInt32LE(first.inode, 8);
  const entries = children.map((child) => {
    const name = Buffer.from(child.name);
    const entry = Buffer.alloc(8 + name.length);
    entry.writeUInt16LE(child.offset, 0);
    entry.writeInt16LE(child.inode - first.inode, 2);
    entry.writeUInt16LE(child.content ? 2 : 1, 4);
    entry.writeUInt16LE(name.length - 1, 6);
    name.copy(entry, 8);
    return entry;
  });
  return Buffer.concat([header, ...entries]);
}

function metadataBlock(content: Buffer): Buffer {
  if (content.length > METADATA_SIZE) throw new Error('the tree is too large for one metadata block');
  const header = Buffer.alloc(2);
  header.writeUInt16LE(content.length | UNCOMPRESSED_METADATA);
  return Buffer.concat([header, content]);
}
