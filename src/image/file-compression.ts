/** How a file on this machine is compressed. */
import { constants, open } from 'node:fs/promises';
import { type Compression, detectCompression } from './compression.ts';

/** @returns undefined for plain content @throws a system call's error when it cannot be read */
export async function compressionOf(path: string): Promise<Compression | undefined> {
  // A FIFO that took the place of the file is not waited for.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return detectCompression(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
