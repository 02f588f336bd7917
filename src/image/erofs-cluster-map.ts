/** From the cluster index of a compressed EROFS file to its extents (kernel: z_erofs_map_blocks_fo in zmap.c). */
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';
import { clusterTypes, type Lcluster, lclusterReader } from './erofs-lclusters.ts';
import { advise, type Extent, type MapHeader } from './erofs-map.ts';
import { unsuitable } from './part.ts';

/** Index entries read for one piece of content; the longest extent (12 MiB) has 24576 clusters of 512 bytes. */
const maxStepsPerExtent = 65_536;

interface Head {
  readonly number: number;
  readonly cluster: Lcluster;
}

/** A function that finds the extent at an offset of the content. It and its maker throw UnsuitableError. */
export async function clusterMap(
  image: ErofsImage,
  inode: ErofsInode,
  header: MapHeader,
): Promise<(offset: number) => Promise<Extent>> {
  const { source, superblock } = image;
  const load = lclusterReader(image, inode, header);
  const clusterSize = 2 ** header.clusterBits;
  const has = (bit: number) => (header.advise & bit) !== 0;

  async function headOf(offset: number): Promise<Head> {
    let number = Math.floor(offset / clusterSize);
    let cluster = await load(number);
    if (cluster.type !== clusterTypes.nonHead && offset % clusterSize >= cluster.offset) return { number, cluster };
    let back = cluster.type === clusterTypes.nonHead ? cluster.back : 1;
    for (let steps = 0; steps < maxStepsPerExtent; steps++) {
      if (back < 1 || back > number) break;
      number -= back;
      cluster = await load(number);
      if (cluster.type !== clusterTypes.nonHead) return { number, cluster };
      back = cluster.back;
    }
    throw unsuitable(source, 'damaged EROFS: a cluster without a head');
  }

  async function endOf(head: Head): Promise<number> {
    for (let number = head.number + 1; number <= head.number + maxStepsPerExtent; number++) {
      if (number * clusterSize >= inode.size) return inode.size;
      const cluster = await load(number);
      if (cluster.type === clusterTypes.nonHead) continue;
      return Math.min(inode.size, number * clusterSize + cluster.offset);
    }
    throw unsuitable(source, 'damaged EROFS: an extent without an end');
  }

  /** Blocks that a head's extent is stored in; said by the next entry when it may be more than one. */
  async function storedBlocksOf({ number, cluster }: Head): Promise<number> {
    const isBig = cluster.type === clusterTypes.head1 ? has(advise.bigPcluster1) : has(advise.bigPcluster2);
    if (!isBig || (number + 1) * clusterSize >= inode.size) return 1;
    const next = await load(number + 1);
    if (next.type !== clusterTypes.nonHead) return 1;
    if (next.storedBlocks !== undefined) return next.storedBlocks;
    if (cluster.type === clusterTypes.plain) return 1;
    throw unsuitable(source, 'damaged EROFS: an extent of unknown stored size');
  }

  function formatOf({ type }: Lcluster, isInline: boolean) {
    if (type === clusterTypes.head1) return header.algorithms[0];
    if (type === clusterTypes.head2) return header.algorithms[1];
    return has(advise.interlaced) && !isInline ? ('interlaced' as const) : ('shifted' as const);
  }

  const hasSpecialTail = has(advise.inlinePcluster) || has(advise.fragment);
  const tail = hasSpecialTail ? await headOf(inode.size - 1) : undefined;
  const indexEnd = hasSpecialTail ? (await load(Math.floor((inode.size - 1) / clusterSize))).next : 0;

  return async (offset) => {
    const head = await headOf(offset);
    const start = head.number * clusterSize + head.cluster.offset;
    const extent = { start, length: (await endOf(head)) - start };
    const isTail = tail !== undefined && head.number === tail.number;
    if (isTail && has(advise.fragment) && !has(advise.inlinePcluster)) {
      // The full layout has the upper half of the offset where other heads have their block.
      const high = inode.layout === 'full index' ? head.cluster.block : 0;
      return { ...extent, kind: 'fragment', offset: high * 2 ** 32 + header.fragmentOffset };
    }
    const isInline = isTail && has(advise.inlinePcluster);
    return {
      ...extent,
      kind: 'stored',
      isInMetadata: isInline,
      offset: isInline ? indexEnd : head.cluster.block * superblock.blockSize,
      bytes: isInline ? header.inlineBytes : (await storedBlocksOf(head)) * superblock.blockSize,
      format: formatOf(head.cluster, isInline),
      isPartial: head.cluster.isPartial,
    };
  };
}
