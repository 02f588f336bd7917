/** Compressed data for tests: made by the programs that people use. */
import { spawnSync } from 'node:child_process';
import type { Compression } from '../../src/image/compression.ts';

export const compressions: readonly Compression[] = ['gzip', 'xz', 'zstd', 'bzip2', 'lz4'];

/** Compresses data; with a checksum where the format leaves that open. */
export function pack(compression: Compression, data: Uint8Array, ...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(compression, ['-q', '-c', ...args], {
    input: data,
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`${compression}: ${stderr}`);
  return stdout;
}

/** Data that compresses a little, so that damage in its middle is damage of what is compressed. */
export function someData(bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    data[at] = 97 + ((state >> 16) % 26);
  }
  return data;
}
