/** A local image file as a source of bytes. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StorageError } from '../errors.ts';
import { storageError as systemCallError } from '../os/storage-error.ts';
import { checkRange, unsuitable } from './part.ts';
import type { RandomAccess } from './random-access.ts';

/** Without O_NONBLOCK, opening a FIFO would wait for a writer. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a regular file for reading; the last path component may not be a symbolic link. Close it when done.
 * @throws StorageError (the message holds the errno code) when the file cannot be opened or read; UnsuitableError when
 * it is not a regular file.
 */
export async function openLocalFile(path: string): Promise<RandomAccess & { close(): Promise<void> }> {
  const handle = await open(path, openFlags).catch((error: unknown) => {
    throw storageError(path, 'open', error);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw unsuitable({ name: path }, 'not a regular file');
    const size = stat.size;
    return {
      name: path,
      size,
      read: (offset, length) => readFully(handle, { name: path, size }, offset, length),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readFully(
  handle: FileHandle,
  file: { readonly name: string; readonly size: number },
  offset: number,
  length: number,
): Promise<Buffer> {
  checkRange(file, offset, length);
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done).catch((error: unknown) => {
      throw storageError(file.name, 'read', error);
    });
    if (bytesRead === 0) throw new StorageError(`${file.name}: became shorter while it was read`);
    done += bytesRead;
  }
  return buffer;
}

/** A StorageError whose message names the file, what was tried, and the errno code. */
export function storageError(path: string, verb: string, error: unknown): StorageError {
  const what = `${path}: cannot ${verb}`;
  const failure = systemCallError(what, error);
  if (failure instanceof StorageError) return failure;
  return new StorageError(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** The errno code of a failed system call (`ENOENT`), if that is what it is. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
