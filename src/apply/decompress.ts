/** Payloads compressed with gzip, xz or zstd, recognised by their first bytes and unpacked as they are copied. */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { UnsuitableError } from '../errors.ts';
import type { Compression } from '../image/compression.ts';

/** Largest zstd window, as log2 of bytes; larger ones cost minutes and gigabytes. */
const ZSTD_WINDOW_LOG_MAX = 27;

/**
 * Decoders to try in order for a file: the second is for what the first does not know (xz filters, zstd frames).
 * Each yields the unpacked bytes; both throw UnsuitableError for damaged data.
 */
export function decodersFor(compression: Compression): ((path: string) => AsyncIterable<Uint8Array>)[] {
  switch (compression) {
    case 'gzip':
      return [(path) => createReadStream(path).pipe(zlib.createGunzip(), { end: true })];
    case 'xz':
      return [decodeXz, (path) => decodeWithProgram(['xz', '-dc', '--memlimit-decompress=256MiB', '--', path])];
    case 'zstd':
      return 'createZstdDecompress' in zlib ? [decodeZstdNative, decodeZstd] : [decodeZstd];
    case 'bzip2':
    case 'lz4':
      throw new UnsuitableError(`${compression} compression is not supported`, {
        next: 'publish it as xz, gzip or zstd',
      });
  }
}

async function* decodeXz(path: string): AsyncIterable<Uint8Array> {
  // WebAssembly again, and here its speed counts (see http.ts).
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--no-liftoff-only');
  const { XzReadableStream } = await import('xz-decompress');
  const source = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  yield* new XzReadableStream(source) as unknown as AsyncIterable<Uint8Array>;
}

function decodeZstdNative(path: string): AsyncIterable<Uint8Array> {
  const create = (zlib as unknown as { createZstdDecompress(): NodeJS.ReadWriteStream }).createZstdDecompress;
  return createReadStream(path).pipe(create()) as unknown as AsyncIterable<Uint8Array>;
}

async function* decodeZstd(path: string): AsyncIterable<Uint8Array> {
  const { Decompress } = await import('fzstd');
  const ready: Uint8Array[] = [];
  const decoder = new Decompress((chunk) => {
    if (chunk.length > 0) ready.push(chunk);
  });
  let first = true;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    if (first) checkZstdWindow(chunk);
    first = false;
    decoder.push(chunk);
    yield* ready.splice(0);
  }
  decoder.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

/** Frame header of RFC 8878, section 3.1.1.1. */
function checkZstdWindow(head: Buffer): void {
  const descriptor = head[4] ?? 0;
  const singleSegment = (descriptor & 0x20) !== 0;
  const exponent = (head[5] ?? 0) >> 3;
  if (!singleSegment && exponent + 10 > ZSTD_WINDOW_LOG_MAX) {
    throw new UnsuitableError(
      `zstd window of 2^${exponent + 10} bytes; at most 2^${ZSTD_WINDOW_LOG_MAX} is supported`,
      {
        next: 'compress it without --ultra --long=28 or more',
      },
    );
  }
}

async function* decodeWithProgram(argv: readonly [string, ...string[]]): AsyncIterable<Uint8Array> {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? -1));
  });
  ended.catch(() => {});
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const status = await ended;
    if (status !== 0) throw new UnsuitableError(`${argv[0]} ended with status ${status}`);
  } finally {
    child.kill('SIGKILL');
  }
}
