/** Removes a directory with all that is in it, however it was left there. */
import { lstat, rm } from 'node:fs/promises';
import { StorageError } from '../errors.ts';
import { lastLine, runCommand } from '../os/run-command.ts';
import { errorCode, isMissing, storageError } from '../os/storage-error.ts';

/** Milliseconds that one of the programs may take. */
const TIMEOUT = 600_000;

/**
 * Removes a tree, also one whose directories nobody may enter, or that is deeper than a path can be long; as root, also
 * one with immutable files. Nothing there is no failure.
 * @throws StorageError when something is left
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
    return;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
  // chmod and rm go from directory to directory; chattr does not exist everywhere.
  await runCommand(['chmod', '-R', 'u+rwX', '--', path], { timeoutMs: TIMEOUT });
  await runCommand(['chattr', '-R', '-f', '-i', '-a', '--', path], { timeoutMs: TIMEOUT });
  const removal = await runCommand(['rm', '-r', '-f', '--', path], { timeoutMs: TIMEOUT });
  if (await isThere(path)) {
    throw new StorageError(`${path}: cannot be removed: ${lastLine(removal)}`, {
      next: `remove it with: rm -r ${path}`,
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw storageError(path, error);
  }
}
