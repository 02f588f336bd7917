/** Who may change what: one run at a time for the disk, one for staging. Reading takes no lock. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { BusyError } from './errors.ts';
import { type Lock, type LockOptions, takeLock } from './os/lock.ts';
import { placeOfRootLock, rootLockPath } from './root-lock.ts';
import type { System } from './system.ts';

/**
 * Runs an operation while it holds the locks.
 *
 * Staging may belong to the user that acquires, who can hold its lock for as long as he is there. He must not keep others
 * from what needs no network, so that goes on without: what it takes from staging is copied and hashed anyway, and what
 * it removes there is downloaded again.
 *
 * @param command what this run does, for the message that another run prints
 * @throws BusyError when one is held, for longer than `--wait=`; StorageError
 */
export async function withLocks<T>(
  system: System,
  names: readonly ('root' | 'staging')[],
  command: string,
  operation: () => Promise<T>,
): Promise<T> {
  const { lock: taken, offline } = system.options;
  const locks: Lock[] = [];
  try {
    for (const name of names) {
      if (name === 'root') locks.push(taken?.() ?? (await take(system, name, command)));
      else if (!offline) locks.push(await take(system, name, command));
      else locks.push(...(await takeIfFree(system, name, command)));
    }
    return await operation();
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
}

function take({ options, staging }: System, name: 'root' | 'staging', command: string): Promise<Lock> {
  const { root, waitSec, signal } = options;
  if (name === 'root') return takeLock(rootLockPath(root), command, { waitSec, signal, place: placeOfRootLock(root) });
  return takeLock(staging.lockFile, command, { waitSec, signal, place: placeOf(staging.lockFile) });
}

async function takeIfFree(system: System, name: 'root' | 'staging', command: string): Promise<Lock[]> {
  try {
    return [await take({ ...system, options: { ...system.options, waitSec: 0 } }, name, command)];
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    return [];
  }
}

/** Root is told apart from the user that acquires; whoever else works on a tree works on it alone. */
function placeOf(path: string): LockOptions['place'] {
  const owner = lstatSync(dirname(path), { throwIfNoEntry: false })?.uid;
  return process.geteuid?.() === 0 && owner !== undefined && owner !== 0 ? 'foreign' : undefined;
}
