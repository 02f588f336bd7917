/** Files that are either as before or wholly there, and on disk, whenever power fails. */
import { randomBytes } from 'node:crypto';
import { constants, type FileHandle, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from './storage-error.ts';

/** Marks temporary files as ours, so that a later run may remove what a killed one left. */
const TEMPORARY_PREFIX = '.extupdate.';

/** A name that nothing else uses, hidden from systemd, in the directory of `path`. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `${TEMPORARY_PREFIX}${basename(path).slice(0, 180)}.${randomBytes(16).toString('hex')}`);
}

/** Whether a file name is one of {@link temporaryPath}. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(TEMPORARY_PREFIX) && /\.[0-9a-f]{32}$/.test(name);
}

/** Renames a file or directory. @returns false when the new name is on another file system */
export async function renameWithin(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EXDEV') return false;
    throw error;
  }
}

/** Makes a new file that nobody else can have opened or linked. */
export async function createExclusive(path: string, mode: number): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    // Whatever the umask is.
    await handle.chmod(mode);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Replaces a file by new content, durably. Parent directories are made. */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await makeDirectories(dirname(path));
  const temporary = temporaryPath(path);
  try {
    const handle = await createExclusive(temporary, mode);
    try {
      await writeAll(handle, [Buffer.from(data)], 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await dropFile(temporary);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Removes a file after a failure, which counts more than that it cannot be removed; a later run tries again. */
export async function dropFile(path: string): Promise<void> {
  await unlink(path).catch(() => {});
}

/** Writes all of the buffers; a write may take less than it was given. */
export async function writeAll(handle: FileHandle, buffers: readonly Buffer[], position: number): Promise<void> {
  let at = position;
  let rest = buffers.filter(({ length }) => length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at);
    at += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

/**
 * Writes bytes as they come, from the beginning of a file.
 * @param before called with the size of every piece before it is written
 */
export async function writeStream(
  handle: FileHandle,
  bytes: AsyncIterable<Uint8Array>,
  before: (bytes: number) => Promise<void>,
): Promise<void> {
  let size = 0;
  for await (const chunk of bytes) {
    await before(chunk.length);
    await writeAll(handle, [Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)], size);
    size += chunk.length;
  }
}

/**
 * Makes a directory and those above it, durably. Node's own way (`recursive`) tells ENOENT whatever the reason is: a full
 * disk, a read-only one.
 * @param mode of those that are not there yet
 * @param withParents whether those above may be missing, too
 * @throws the system call's error
 */
export async function makeDirectories(path: string, mode = 0o777, withParents = true): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (errorCode(error) === 'ENOENT' && withParents) {
      await makeDirectories(dirname(path), mode);
      return makeDirectories(path, mode, false);
    }
    if (errorCode(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function dropBytes(buffers: readonly Buffer[], count: number): Buffer[] {
  let left = count;
  return buffers.flatMap((buffer) => {
    const dropped = Math.min(left, buffer.length);
    left -= dropped;
    return dropped === buffer.length ? [] : [buffer.subarray(dropped)];
  });
}
