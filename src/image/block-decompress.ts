/**
 * Decompression of one block of an image (metadata or data), with the output capped: what a block decompresses to is
 * bounded by the format, so more than that is damage or a bomb.
 */
import { inflateRawSync, inflateSync } from 'node:zlib';
import type { UnsuitableError } from '../errors.ts';
import { decodeXz } from './block-xz.ts';
import { decodeZstdFrame } from './block-zstd.ts';
import { decodeLz4Block } from './lz4-block.ts';
import { unsuitable } from './part.ts';

/** `zlib` is what squashfs calls gzip; `deflate` has no header. */
export type Compressor = 'zlib' | 'deflate' | 'xz' | 'lz4' | 'zstd';

/** Where a block lies, for messages: `{ name: 'foo.raw', what: 'the inode table block at offset 96' }`. */
export interface BlockPlace {
  readonly name: string;
  readonly what: string;
}

export interface DecompressOptions {
  /** Output bytes; more is an error, or with `partial`, dropped. */
  readonly maxOutput: number;
  /** The block may hold more than the caller asks for (EROFS shares blocks between extents). */
  readonly partial?: boolean;
}

/** Bytes a block may decompress to when only its start is wanted (Z_EROFS_PCLUSTER_MAX_DSIZE in the kernel). */
export const maxPartialOutput = 12 * 1024 * 1024;

/**
 * Decompresses one block.
 * @returns at most `maxOutput` bytes; the caller knows how many it expects
 * @throws UnsuitableError when the data is damaged, decompresses to more, or needs what no decoder here can do
 */
export async function decompressBlock(
  compressor: Compressor,
  input: Uint8Array,
  options: DecompressOptions,
  place: BlockPlace,
): Promise<Buffer> {
  const cap = options.partial ? Math.max(maxPartialOutput, options.maxOutput) : options.maxOutput;
  try {
    const output = await decode(compressor, input, options, cap);
    return output.subarray(0, options.maxOutput);
  } catch (error) {
    throw damaged(compressor, place, error);
  }
}

async function decode(
  compressor: Compressor,
  input: Uint8Array,
  { maxOutput, partial = false }: DecompressOptions,
  cap: number,
): Promise<Buffer> {
  switch (compressor) {
    case 'zlib':
      return inflateSync(input, { maxOutputLength: Math.max(cap, 1) });
    case 'deflate':
      return inflateRawSync(input, { maxOutputLength: Math.max(cap, 1) });
    case 'xz':
      return decodeXz(input, cap);
    case 'zstd':
      return decodeZstdFrame(input, cap);
    case 'lz4': {
      const output = Buffer.alloc(maxOutput);
      const length = decodeLz4Block(input, output, partial);
      if (length < 0) throw new Error('malformed, or longer than it may be');
      return output.subarray(0, length);
    }
  }
}

function damaged(compressor: Compressor, place: BlockPlace, error: unknown): UnsuitableError {
  const reason = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
  return unsuitable(place, `damaged: cannot decompress ${place.what} (${compressor}): ${reason}`);
}
