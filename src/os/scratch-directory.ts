/** Room for files that are needed for a moment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storageError } from './storage-error.ts';

/**
 * Runs an operation with a directory of its own, which nobody else may look into, and which is gone afterwards.
 * @param purpose a part of its name
 * @throws StorageError where none can be made; what the operation throws
 */
export async function inScratchDirectory<T>(purpose: string, operation: (directory: string) => Promise<T>): Promise<T> {
  const directory = await makeDirectory(join(tmpdir(), `extupdate-${purpose}-`));
  try {
    return await operation(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** mkdtemp(3) gives it the mode 0700. */
async function makeDirectory(prefix: string): Promise<string> {
  try {
    return await mkdtemp(prefix);
  } catch (error) {
    throw storageError(tmpdir(), error);
  }
}
