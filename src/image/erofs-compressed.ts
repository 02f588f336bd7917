/** Contents of compressed EROFS files (kernel: zmap.c finds the extents, decompressor.c unpacks them). */
import { type Compressor, decompressBlock, maxPartialOutput } from './block-decompress.ts';
import { clusterMap } from './erofs-cluster-map.ts';
import { extentMap } from './erofs-extents.ts';
import type { ErofsImage, ErofsInode } from './erofs-inode.ts';
import { advise, type Extent, readMapHeader } from './erofs-map.ts';
import { unsuitable } from './part.ts';

/** Bytes that an extent is stored in (Z_EROFS_PCLUSTER_MAX_SIZE). */
const maxStoredBytes = 1024 * 1024;
const compressors: readonly (Compressor | undefined)[] = ['lz4', undefined, 'deflate', 'zstd'];

type StoredExtent = Extract<Extent, { kind: 'stored' }>;

/** Fills `output` with the content from `offset` on; the range lies inside the file. @throws UnsuitableError */
export async function readCompressed(
  image: ErofsImage,
  inode: ErofsInode,
  offset: number,
  output: Buffer,
): Promise<void> {
  const header = await readMapHeader(image, inode);
  if (header.isWhollyPacked) {
    const packed = await image.packed();
    (await packed.read(header.fragmentOffset + offset, output.length)).copy(output);
    return;
  }
  const hasExtents = inode.layout === 'full index' && (header.advise & advise.extents) !== 0;
  const extentAt = await (hasExtents ? extentMap : clusterMap)(image, inode, header);
  const end = offset + output.length;
  for (let at = offset; at < end; ) {
    const extent = await extentAt(at);
    const next = extent.start + extent.length;
    if (extent.start > at || next <= at) throw unsuitable(image.source, 'damaged EROFS: extents out of order');
    // From the extent's start to what is wanted of it; the start cannot be left out when decompressing.
    const length = Math.min(next, end) - extent.start;
    const data = await unpack(image, inode, extent, at - extent.start, length);
    data?.copy(output, at - offset);
    at = next;
  }
}

/** Bytes `from` to `length` of an extent; undefined for a hole. */
async function unpack(
  image: ErofsImage,
  inode: ErofsInode,
  extent: Extent,
  from: number,
  length: number,
): Promise<Buffer | undefined> {
  switch (extent.kind) {
    case 'hole':
      return undefined;
    case 'fragment':
      return (await image.packed()).read(extent.offset + from, length - from);
    case 'stored': {
      if (extent.bytes === 0 || extent.bytes > maxStoredBytes) {
        throw unsuitable(image.source, `damaged EROFS: an extent stored in ${extent.bytes} bytes`);
      }
      const home = extent.isInMetadata ? await image.metadata(inode.inMetabox) : image.source;
      const stored = await home.read(extent.offset, extent.bytes);
      const data =
        typeof extent.format === 'number'
          ? await decompress(image, extent, extent.format, stored, length)
          : plain(image, extent, stored, length);
      if (data.length !== length) {
        throw unsuitable(image.source, `damaged EROFS: an extent holds ${data.length} bytes, not ${length}`);
      }
      return data.subarray(from);
    }
  }
}

async function decompress(
  image: ErofsImage,
  extent: StoredExtent,
  algorithm: number,
  stored: Buffer,
  length: number,
): Promise<Buffer> {
  const { source, superblock } = image;
  const compressor = compressors[algorithm];
  if (compressor === undefined) {
    const what = algorithm === 1 ? 'MicroLZMA' : `unknown compressor ${algorithm}`;
    const next = 'rebuild the image with lz4hc or zstd, or leave the release file uncompressed';
    throw unsuitable(source, `EROFS: the file is compressed with ${what}, which cannot be read here`, next);
  }
  if (length > maxPartialOutput) throw unsuitable(source, `damaged EROFS: an extent of ${length} bytes`);
  // Data ends where its blocks end; what is left over comes first and is zero (older images: last, with lz4 only).
  const isPadded = superblock.hasZeroPadding || compressor !== 'lz4';
  const padding = isPadded ? stored.findIndex((byte) => byte !== 0) : 0;
  const isPartial = extent.isPartial || length < extent.length || !isPadded;
  const place = { name: source.name, what: `the extent at offset ${extent.offset}` };
  return decompressBlock(
    compressor,
    stored.subarray(Math.max(0, padding)),
    { maxOutput: length, partial: isPartial },
    place,
  );
}

/** Interlaced: content stands at its offset modulo the block size, so that its start may follow its end. */
function plain(image: ErofsImage, extent: StoredExtent, stored: Buffer, length: number): Buffer {
  if (extent.format === 'shifted') return stored.subarray(0, length);
  const { blockSize } = image.superblock;
  const atEnd = blockSize - (extent.start % blockSize);
  if (atEnd > stored.length) throw unsuitable(image.source, 'damaged EROFS: an interlaced extent of less than a block');
  const from = stored.length - atEnd;
  const head = stored.subarray(from, from + Math.min(atEnd, length));
  return Buffer.concat([head, stored.subarray(0, length - head.length)]);
}
