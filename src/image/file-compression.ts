/** How a file on this machine is compressed. */
import { open } from 'node:fs/promises';
import { type Compression, detectCompression } from './compression.ts';

/** @returns undefined for plain content @throws a system call's error when it cannot be read */
export async function compressionOf(path: string): Promise<Compression | undefined> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return detectCompression(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
