/**
 * The lock for everything that changes the disk, for those who start together: timer, administrator and scripts. All but
 * one are told that they are too many before the program is even loaded.
 */
import { resolve } from 'node:path';
import { busyError, isKnownHeld } from './os/held-lock.ts';
import type { Lock, LockOptions } from './os/lock.ts';
import { resolveInRoot } from './os/root.ts';

/** As seen inside the root. */
const LOCK_PATH = '/run/extupdate/lock';

/** Commands that begin with the lock, unless an option says otherwise. */
const COMMANDS = ['apply', 'install'];
/** Options with which they do not, or answer otherwise than in one line. */
const OTHERWISE = /^(-h|--help|--dry-run|--wait|--json|--image|--root$)/;

/** @param root '' or the directory of `--root=` */
export function rootLockPath(root: string): string {
  // A link there is none of ours: what it leads to would be overwritten.
  return resolveInRoot(root, LOCK_PATH, false);
}

/** See {@link LockOptions}: `/run` of this machine is for root alone. */
export function placeOfRootLock(root: string): LockOptions['place'] {
  return root === '' && process.geteuid?.() === 0 ? 'own' : undefined;
}

/**
 * Takes the lock for a command line that is sure to need it at once.
 * @returns undefined where that is not sure, or taking it fails: then the command itself takes it, and says why not
 * @throws BusyError
 */
export async function takeRootLockEarly(argv: readonly string[], signal: AbortSignal): Promise<Lock | undefined> {
  const [command = '', ...words] = argv;
  if (!COMMANDS.includes(command) || words.some((word) => OTHERWISE.test(word))) return undefined;
  const directory = words.findLast((word) => word.startsWith('--root='))?.slice('--root='.length);
  if (directory === '') return undefined;
  const root = directory === undefined || resolve(directory) === '/' ? '' : resolve(directory);
  const path = rootLockPath(root);
  if (isKnownHeld(path)) throw busyError(path);
  const { takeLock } = await import('./os/lock.ts');
  try {
    return await takeLock(path, command, { signal, place: placeOfRootLock(root) });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'busy') throw error;
    return undefined;
  }
}
