/**
 * Files that another user may have put there, and may be changing: staging belongs to the user that acquires. Only
 * regular files are opened; a link is not followed, a FIFO not waited for, a second name not written through.
 */
import { createHash } from 'node:crypto';
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '../errors.ts';
import { errorCode } from './storage-error.ts';

const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Bytes that are read at a time. */
const READ_SIZE = 256 * 1024;

/** Opens a regular file, for writing only where it has no other name. @returns undefined for what is none, or not there */
export async function openRegular(path: string, mode: 'read' | 'write'): Promise<FileHandle | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, (mode === 'read' ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    // ENXIO: a socket, or a FIFO. EISDIR: a directory, for writing.
    if (['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
  const info = await handle.stat();
  if (info.isFile() && (mode === 'read' || info.nlink === 1)) return handle;
  await handle.close();
  return undefined;
}

/** The bytes of a regular file. @throws StorageError for what is none; a system call's error */
export async function* readRegular(path: string): AsyncGenerator<Buffer> {
  const handle = await openRegular(path, 'read');
  if (handle === undefined) {
    throw new StorageError(`${path}: not a regular file any more`, { next: 'run extupdate apply again' });
  }
  try {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(READ_SIZE), 0, READ_SIZE, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** SHA-256 of a regular file, lower-case hex. @returns undefined for what is none, or larger than so many bytes */
export async function hashRegular(path: string, maxBytes: number): Promise<string | undefined> {
  const handle = await openRegular(path, 'read');
  if (handle === undefined) return undefined;
  const claimed = (await handle.stat()).size;
  await handle.close();
  if (claimed > maxBytes) return undefined;
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of readRegular(path)) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    hash.update(chunk);
  }
  return hash.digest('hex');
}

/**
 * Whether nobody but this user can have opened a file since it was made, nor can put another one in its place: it is his,
 * and so is the directory, which nobody else may write to.
 */
export async function isOutOfReach(path: string): Promise<boolean> {
  const own = process.geteuid?.();
  const [file, directory] = [await lstat(path), await lstat(dirname(path))];
  const isOthers = directory.uid !== own || (directory.mode & 0o022) !== 0;
  return !isOthers && directory.isDirectory() && file.isFile() && file.uid === own && file.nlink === 1;
}
