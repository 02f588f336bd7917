/** Free space, asked for before bytes are written: a full disk otherwise shows late. */
import { statfs } from 'node:fs/promises';
import { StorageError } from '../errors.ts';

/** What stays free for everything else on the file system, in bytes. */
const RESERVE = 16 * 1024 * 1024;

/** @throws StorageError when the file system of `directory` has not room for `bytes` and a reserve */
export async function ensureSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  if (free >= bytes + RESERVE) return;
  const mib = (value: number) => `${Math.ceil(value / 1024 / 1024)} MiB`;
  throw new StorageError(`${directory}: not enough space: ${mib(bytes + RESERVE)} needed, ${mib(free)} free`, {
    next: 'free some space (extupdate gc removes what is not needed) and run again',
  });
}
