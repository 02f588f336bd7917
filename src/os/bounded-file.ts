/** Small files and listings that somebody else may have written. */
import { closeSync, constants, type Dirent, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { StorageError } from '../errors.ts';
import { resolveInRoot } from './root.ts';
import { isMissing, storageError } from './storage-error.ts';

/** Bytes; os-release files, boot entries and info.xml have some hundred. */
export const maxFileBytes = 64 * 1024;

/** Without O_NONBLOCK, opening a FIFO that took the place of the file would wait for a writer. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads a file inside a root, as chroot(2) would see it.
 * @returns undefined when there is none
 * @throws StorageError, its message begins with `path`: when it cannot be read, is too large or no regular file
 */
export function readBoundedFile(root: string, path: string, maxBytes = maxFileBytes): Buffer | undefined {
  try {
    const place = resolveInRoot(root, path);
    const info = lstatSync(place);
    if (!info.isFile()) throw new StorageError(`${path}: not a regular file`, { next: 'move it away' });
    const tooLarge = () => new StorageError(`${path}: larger than ${maxBytes} bytes`, { next: 'move it away' });
    if (info.size > maxBytes) throw tooLarge();
    const bytes = readStart(place, Math.max(maxFileBytes, info.size) + 1);
    if (bytes.length > maxBytes) throw tooLarge();
    return bytes;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageError(path, error);
  }
}

/**
 * What is in a directory inside a root, by name; links in it are not followed.
 * @returns undefined when there is no such directory
 * @throws StorageError, its message begins with `path`, when it cannot be read
 */
export function entriesOf(root: string, path: string): Dirent[] | undefined {
  try {
    const entries = readdirSync(resolveInRoot(root, path), { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storageError(path, error);
  }
}

/** The first bytes of a file, by what reading yields: the size that a file claims may be 0 (/proc) or change. */
function readStart(place: string, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  const file = openSync(place, openFlags);
  try {
    let done = 0;
    while (done < length) {
      const bytes = readSync(file, buffer, done, length - done, null);
      if (bytes === 0) break;
      done += bytes;
    }
    return buffer.subarray(0, done);
  } finally {
    closeSync(file);
  }
}
