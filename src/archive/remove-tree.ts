/** Removes a directory with all that is in it, however it was left there. */
import { StorageError } from '../errors.ts';
import { lastLine, runCommand } from '../os/run-command.ts';

/** Milliseconds that one of the programs may take. */
const TIMEOUT = 600_000;

/**
 * Removes a tree, also one whose directories nobody may enter, or that is deeper than a path can be long; as root, also
 * one with immutable files. Nothing there is no failure.
 * @throws StorageError when something is left
 */
export async function removeTree(path: string): Promise<void> {
  // rm(1) goes from directory to directory. Node puts paths together and calls itself: deep trees are too much for it.
  const remove = () => runCommand(['rm', '-r', '-f', '--', path], { timeoutMs: TIMEOUT });
  if ((await remove()).status === 0) return;
  await runCommand(['chmod', '-R', 'u+rwX', '--', path], { timeoutMs: TIMEOUT });
  // Does not exist everywhere, and only root may.
  await runCommand(['chattr', '-R', '-f', '-i', '-a', '--', path], { timeoutMs: TIMEOUT });
  const removal = await remove();
  if (removal.status === 0) return;
  throw new StorageError(`${path}: cannot be removed: ${lastLine(removal)}`, { next: `remove it with: rm -r ${path}` });
}
