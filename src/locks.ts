/** Who may change what: one run at a time for the disk, one for staging. Reading takes no lock. */
import { type Lock, takeLock } from './os/lock.ts';
import { resolveInRoot } from './os/root.ts';
import type { System } from './system.ts';

/** Where the lock for everything that changes the disk is, as seen inside the root. */
export const LOCK_PATH = '/run/extupdate/lock';

/**
 * Runs an operation while it holds the locks.
 * @param command what this run does, for the message that another run prints
 * @throws BusyError when one is held, for longer than `--wait=`; StorageError
 */
export async function withLocks<T>(
  system: System,
  names: readonly ('root' | 'staging')[],
  command: string,
  operation: () => Promise<T>,
): Promise<T> {
  const { root, waitSec, signal } = system.options;
  const paths = { root: resolveInRoot(root, LOCK_PATH), staging: system.staging.lockFile };
  const locks: Lock[] = [];
  try {
    for (const name of names) locks.push(await takeLock(paths[name], command, { waitSec, signal }));
    return await operation();
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
}
