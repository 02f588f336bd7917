/** Free space, asked for before bytes are written: a full disk otherwise shows late. */
import { statfs } from 'node:fs/promises';
import { StorageError } from '../errors.ts';

/** What stays free for everything else on the file system, in bytes. */
const RESERVE = 16 * 1024 * 1024;

/** Deletes what can be spared on the file system of a directory, until so many bytes are free or nothing is left. */
export type MakeRoom = (directory: string, bytes: number) => Promise<void>;

/** There is not enough space, and nothing that can be spared. */
export class SpaceError extends StorageError {
  /** How much was asked for, in bytes. */
  readonly wanted: number;

  constructor(directory: string, wanted: number, free: number) {
    const needed = wanted + RESERVE;
    const mib = (value: number) => `${Math.ceil(value / 1024 / 1024)} MiB`;
    super(`${directory}: not enough space: ${mib(needed)} needed, ${mib(free)} free`, {
      next: 'free some space (extupdate gc removes what is not needed) and run again',
    });
    this.wanted = wanted;
  }
}

/**
 * @param makeRoom called once when space is short
 * @throws SpaceError when the file system of `directory` has not room for `bytes` and a reserve
 */
export async function ensureSpace(directory: string, bytes: number, makeRoom?: MakeRoom): Promise<void> {
  const needed = bytes + RESERVE;
  let free = await freeBytes(directory);
  if (free < needed && makeRoom) {
    await makeRoom(directory, needed - free);
    free = await freeBytes(directory);
  }
  if (free < needed) throw new SpaceError(directory, bytes, free);
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
