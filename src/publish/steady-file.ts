/** Files that nobody may change while they are published: read once, and looked at again before the list counts. */
import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '../errors.ts';
import { openRegular } from '../os/regular-file.ts';
import { storageError } from '../os/storage-error.ts';

/** Bytes that are read at a time. */
const READ_SIZE = 1024 * 1024;

/** A file as it was when it was hashed. */
export interface SteadyFile {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Changes with the content, as far as a file system tells. */
  readonly stamp: string;
}

/**
 * Hashes a regular file.
 * @throws StorageError, also for one that changes while it is read; what the signal was aborted with
 */
export async function hashSteadyFile(directory: string, name: string, signal?: AbortSignal): Promise<SteadyFile> {
  try {
    const handle = await openRegular(join(directory, name), 'read');
    if (handle === undefined) throw changed(name);
    try {
      const info = await handle.stat({ bigint: true });
      const before = stampOf(info);
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(Math.min(READ_SIZE, Number(info.size)));
      let size = 0;
      while (size < info.size) {
        signal?.throwIfAborted();
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
        // It has become shorter; what it is now tells.
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        size += bytesRead;
      }
      if (stampOf(await handle.stat({ bigint: true })) !== before) throw changed(name);
      return { sha256: hash.digest('hex'), size, stamp: before };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageError(join(directory, name), error);
  }
}

/** @throws StorageError when it is not the file any more that was hashed */
export async function requireSteady(directory: string, name: string, { stamp }: SteadyFile): Promise<void> {
  try {
    if (stampOf(await lstat(join(directory, name), { bigint: true })) === stamp) return;
  } catch (error) {
    throw (error as { code?: unknown }).code === 'ENOENT' ? changed(name) : storageError(join(directory, name), error);
  }
  throw changed(name);
}

interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: Identity): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** The error for a file that is not what it was. */
export function changed(name: string): StorageError {
  return new StorageError(`${name}: was changed while it was published; nothing was written`, {
    next: 'run again when nothing writes to it: put files there under another name, and rename them when they are whole',
  });
}
