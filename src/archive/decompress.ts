/** Payloads that are compressed, by whatever understands them: Node, a library, or a program. */
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { UnsuitableError } from '../errors.ts';
import type { Compression } from '../image/compression.ts';
import { errorCode } from '../os/storage-error.ts';
import { feed } from './feed.ts';
import { Measured } from './measured.ts';
import { throughProgram } from './program-filter.ts';
import { decodeZstd } from './zstd.ts';

/** Unpacks compressed bytes; throws for damaged ones, and what reading them throws. */
export type Decoder = (compressed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** Node's zstd of older versions takes data that is cut off for whole. */
const ZSTD_NATIVE_NODE = 24;

/**
 * Decoders to try in order, each on a reading of its own: the second is for what the first does not know (xz filters,
 * several zstd frames). All take several compressed files in a row, and throw for data that is damaged, cut off, or
 * followed by something else. What none of them promises on Node 20 is to see a changed bit in zstd data: only the
 * hash of the published bytes tells.
 */
export function decodersFor(compression: Compression): readonly Decoder[] {
  switch (compression) {
    case 'gzip':
      return [decodeGzip];
    case 'xz':
      return [decodeXz, decodeXzWithProgram];
    case 'zstd':
      return hasNativeZstd() ? [decodeZstdNative, decodeZstd] : [decodeZstd];
    case 'bzip2':
      return [(compressed) => decodeWithProgram(['bzip2', '-dc'], 'bzip2', compressed)];
    case 'lz4':
      return [(compressed) => decodeWithProgram(['lz4', '-dc'], 'lz4', compressed)];
  }
}

function hasNativeZstd(): boolean {
  return 'createZstdDecompress' in zlib && Number.parseInt(process.versions.node, 10) >= ZSTD_NATIVE_NODE;
}

async function* decodeGzip(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { read, there } = yield* throughZlib(zlib.createGunzip(), compressed);
  // zlib stops at a zero after a member: padding, if nothing else follows.
  if (there.contentEnd > read) throw new UnsuitableError('something follows the compressed data');
}

async function* decodeZstdNative(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const create = (zlib as unknown as { createZstdDecompress(): zlib.Gunzip }).createZstdDecompress;
  const { read, there } = yield* throughZlib(create(), compressed);
  // Node before 26 stops after the first frame without a word.
  if (there.size > read) throw new UnsuitableError('something follows the first frame');
}

/** @returns how many bytes the decoder took, and how many there were */
async function* throughZlib(
  decoder: zlib.Gunzip,
  compressed: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, { read: number; there: Measured }> {
  const there = new Measured(compressed);
  const feeding = feed(there, decoder);
  feeding.done.catch((error: Error) => decoder.destroy(error));
  try {
    yield* decoder as AsyncIterable<Buffer>;
    // One that stops early never takes what was written to it last.
    feeding.discardRest();
    await feeding.done;
    return { read: decoder.bytesWritten, there };
  } finally {
    feeding.cancel();
    decoder.destroy();
  }
}

async function* decodeXz(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { XzReadableStream } = await import('xz-decompress');
  // WebAssembly again, and here its speed counts (see main.ts).
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--no-liftoff-only');
  const source = Readable.toWeb(Readable.from(compressed)) as ReadableStream<Uint8Array>;
  yield* new XzReadableStream(source) as unknown as AsyncIterable<Uint8Array>;
}

async function* decodeXzWithProgram(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* throughProgram(['xz', '-dc', '--memlimit-decompress=256MiB'], compressed);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new UnsuitableError('the xz data is damaged, or needs the program xz, which is not installed', {
      next: 'install xz (package xz-utils or xz) and run again',
    });
  }
}

async function* decodeWithProgram(
  argv: readonly [string, ...string[]],
  packageName: string,
  compressed: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  try {
    const complaints = yield* throughProgram(argv, compressed);
    // bzip2 ends with 0 when something else follows its data, and says so.
    if (complaints[0] !== undefined) throw new UnsuitableError(complaints[0]);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new UnsuitableError(`compressed with ${packageName}, and the program ${argv[0]} is not installed`, {
      next: `install the package ${packageName} and run again, or publish the payload as xz, gzip or zstd`,
    });
  }
}
