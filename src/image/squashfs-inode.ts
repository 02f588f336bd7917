/** Inodes of squashfs (struct squashfs_*_inode in fs/squashfs/squashfs_fs.h). */
import type { InodeKind } from './image-tree.ts';
import { readUint64, unsuitable } from './part.ts';
import { type MetadataCursor, positionOf, type SquashfsImage } from './squashfs-metadata.ts';

const commonBytes = 16;
const none = 0xffff_ffff;

/** Offsets in bytes unless said otherwise; `xattr` is an index into the xattr id table. */
export interface SquashfsInode {
  readonly kind: InodeKind;
  readonly xattr: number | undefined;
  /** Directories: where the listing begins in the directory table, and its length. */
  readonly listing?: { readonly block: number; readonly offset: number; readonly bytes: number };
  /** Files: where the data is. */
  readonly content?: FileContent;
}

export interface FileContent {
  readonly size: number;
  /** Absolute offset of the first data block. */
  readonly start: number;
  /** The fragment block that holds the tail, and the tail's offset in it. */
  readonly fragment: { readonly index: number; readonly offset: number } | undefined;
  /** A cursor that stands before the array of 32-bit block sizes. */
  readonly blockSizes: () => Promise<MetadataCursor>;
}

/** Reads the inode at a reference (`rootInode`, or out of a directory). @throws UnsuitableError when damaged */
export async function readInode(image: SquashfsImage, reference: number): Promise<SquashfsInode> {
  const { source, superblock, metadata } = image;
  const position = positionOf(superblock.inodeTable, reference);
  const open = (bytes: number) => metadata.cursor(position).read(bytes);
  const contentOf = (inode: Buffer, size: number, start: number, fragmentAt: number): FileContent => {
    const index = inode.readUInt32LE(fragmentAt);
    return {
      size,
      start,
      fragment: index === none ? undefined : { index, offset: inode.readUInt32LE(fragmentAt + 4) },
      async blockSizes() {
        const cursor = metadata.cursor(position);
        await cursor.read(inode.length);
        return cursor;
      },
    };
  };

  const type = (await open(commonBytes)).readUInt16LE(0);
  switch (type) {
    case 1: {
      const bytes = await open(32);
      const listing = { block: bytes.readUInt32LE(16), offset: bytes.readUInt16LE(26), bytes: bytes.readUInt16LE(24) };
      return { kind: 'directory', xattr: undefined, listing: withoutDots(listing) };
    }
    case 2: {
      const bytes = await open(32);
      const content = contentOf(bytes, bytes.readUInt32LE(28), bytes.readUInt32LE(16), 20);
      return { kind: 'file', xattr: undefined, content };
    }
    case 8: {
      const bytes = await open(40);
      const listing = { block: bytes.readUInt32LE(24), offset: bytes.readUInt16LE(34), bytes: bytes.readUInt32LE(20) };
      return { kind: 'directory', xattr: xattrOf(bytes.readUInt32LE(36)), listing: withoutDots(listing) };
    }
    case 9: {
      const bytes = await open(56);
      const content = contentOf(bytes, readUint64(source, bytes, 24), readUint64(source, bytes, 16), 44);
      return { kind: 'file', xattr: xattrOf(bytes.readUInt32LE(52)), content };
    }
    default:
      // 3 to 7 are links, devices, FIFOs and sockets, 10 to 14 the same with xattrs: never followed or read.
      if (type === 0 || type > 14) throw unsuitable(source, `damaged squashfs: inode of type ${type}`);
      return { kind: 'other', xattr: undefined };
  }
}

function xattrOf(index: number): number | undefined {
  return index === none ? undefined : index;
}

/** A directory's size counts 3 bytes for `.` and `..`, which are not stored. */
function withoutDots<Listing extends { readonly bytes: number }>(listing: Listing): Listing {
  return { ...listing, bytes: Math.max(0, listing.bytes - 3) };
}
