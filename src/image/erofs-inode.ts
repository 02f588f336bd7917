/** Inodes of EROFS (struct erofs_inode_compact and _extended in fs/erofs/erofs_fs.h). */
import type { ErofsSuperblock, Nid } from './erofs-superblock.ts';
import type { InodeKind } from './image-tree.ts';
import { readUint64, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

const slotBytes = 32;
const xattrHeaderBytes = 12;
/** A block address of all ones: there is no data, the file is a hole. */
const noBlock32 = 0xffff_ffff;
const noBlock48 = 0xffff_ffff_ffff;

export const dataLayouts = ['plain', 'full index', 'inline', 'compact index', 'chunks'] as const;
export type DataLayout = (typeof dataLayouts)[number];

/** An open image: what all readers of its parts need. */
export interface ErofsImage {
  readonly source: RandomAccess;
  readonly superblock: ErofsSuperblock;
  /** Where metadata lies: the image itself, or the metabox. */
  metadata(inMetabox: boolean): Promise<RandomAccess>;
  /** The content of the packed inode. */
  packed(): Promise<RandomAccess>;
}

export interface ErofsInode {
  readonly inMetabox: boolean;
  readonly kind: InodeKind;
  readonly layout: DataLayout;
  /** Bytes of content. */
  readonly size: number;
  /** In the metadata: where the xattrs begin, their bytes, and where what follows them begins. */
  readonly xattrs: { readonly start: number; readonly bytes: number };
  readonly end: number;
  /** Flat layouts: the block the content begins in; undefined for a hole. */
  readonly startBlock: number | undefined;
  /** Layout `chunks`: the format word. */
  readonly chunkFormat: number;
}

/** @throws UnsuitableError when damaged */
export async function readErofsInode(image: ErofsImage, nid: Nid): Promise<ErofsInode> {
  const { source, superblock } = image;
  const metadata = await image.metadata(nid.inMetabox);
  const at = (nid.inMetabox ? 0 : superblock.metaStart) + nid.slot * slotBytes;
  const head = await metadata.read(at, slotBytes);
  const format = head.readUInt16LE(0);
  const layout = dataLayouts[(format >> 1) & 7];
  if (layout === undefined || format > 0x1f)
    throw unsuitable(source, `damaged EROFS: inode format 0x${format.toString(16)}`);

  const isExtended = (format & 1) !== 0;
  const inode = isExtended ? await metadata.read(at, 2 * slotBytes) : head;
  const kind = kindOf(inode.readUInt16LE(4));
  const xattrCount = inode.readUInt16LE(2);
  const xattrs = {
    start: at + inode.length,
    bytes: xattrCount === 0 ? 0 : xattrHeaderBytes + (xattrCount - 1) * 4,
  };
  // Bit 4 of a compact inode: there is one link, and the link count's place holds more bits of the address.
  const hasHighBits = isExtended || (kind !== 'directory' && (format & 0x10) !== 0);
  const low = inode.readUInt32LE(16);
  const block = hasHighBits ? inode.readUInt16LE(6) * 2 ** 32 + low : low;
  return {
    inMetabox: nid.inMetabox,
    kind,
    layout,
    size: isExtended ? readUint64(source, inode, 8) : inode.readUInt32LE(8),
    xattrs,
    end: xattrs.start + xattrs.bytes,
    startBlock: block === (hasHighBits ? noBlock48 : noBlock32) ? undefined : block,
    chunkFormat: inode.readUInt16LE(16),
  };
}

/** From the file type bits of st_mode. */
function kindOf(mode: number): InodeKind {
  const type = mode & 0xf000;
  if (type === 0x4000) return 'directory';
  return type === 0x8000 ? 'file' : 'other';
}
