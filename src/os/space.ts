/** Free space, asked for before bytes are written: a full disk otherwise shows late. */
import { statfs } from 'node:fs/promises';
import { StorageError } from '../errors.ts';

/** What stays free for everything else on the file system, in bytes. */
export const RESERVE = 16 * 1024 * 1024;

/** Deletes what can be spared on the file system of a directory, until so many bytes are free or nothing is left. */
export type MakeRoom = (directory: string, bytes: number) => Promise<void>;

/** There is not enough space, and nothing that can be spared. */
export class SpaceError extends StorageError {
  /** How much was asked for, in bytes. */
  readonly wanted: number;

  constructor(directory: string, { wanted, needed, free }: { wanted: number; needed: number; free: number }) {
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
export function ensureSpace(directory: string, bytes: number, makeRoom?: MakeRoom): Promise<void> {
  return ensureFree(directory, { wanted: bytes, needed: bytes + RESERVE }, makeRoom);
}

/** Bytes that are written before free space is looked at again. */
const WATCH_SIZE = 4 * 1024 * 1024;

/**
 * For what grows without telling how large it gets, and while others write, too: half of the reserve stays free.
 * @returns to be called with the size of every piece before it is written; throws SpaceError
 */
export function watchSpace(directory: string, makeRoom?: MakeRoom): (bytes: number) => Promise<void> {
  let unseen = WATCH_SIZE;
  return async (bytes) => {
    unseen += bytes;
    if (unseen < WATCH_SIZE) return;
    unseen = 0;
    await ensureFree(directory, { wanted: RESERVE, needed: RESERVE / 2 }, makeRoom);
  };
}

async function ensureFree(
  directory: string,
  { wanted, needed }: { readonly wanted: number; readonly needed: number },
  makeRoom?: MakeRoom,
): Promise<void> {
  let free = await freeBytes(directory);
  if (free < needed && makeRoom) {
    await makeRoom(directory, needed - free);
    free = await freeBytes(directory);
  }
  if (free < needed) throw new SpaceError(directory, { wanted, needed, free });
}

async function freeBytes(directory: string): Promise<number> {
  const { blocks, bavail, bsize } = await statfs(directory);
  // Some file systems do not tell (ramfs, some of FUSE): writing will.
  return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
}
