/** Removing what may be a directory tree, so that a half-removed one never has a name that means anything. */
import { readdirSync } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StorageError } from '../errors.ts';
import { isTemporaryName, syncDirectory, temporaryPath } from './atomic-file.ts';
import { lastLine, runCommand } from './run-command.ts';
import { isMissing, storageError } from './storage-error.ts';
import { moveEntry, setReadOnly } from './tree-marks.ts';

/** Milliseconds that one of the programs may take. */
const TIMEOUT = 600_000;

/** Removes a file, link or tree; what is not there is no failure. @throws StorageError */
export async function removeTree(path: string): Promise<void> {
  try {
    await remove(path);
  } catch (error) {
    throw storageError(path, error);
  }
}

async function remove(path: string): Promise<void> {
  const info = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (info === undefined) return;
  if (!info.isDirectory()) {
    // Should it be there again after a power failure, it is removed once more.
    return unlink(path);
  }
  const doomed = isTemporaryName(path.slice(path.lastIndexOf('/') + 1)) ? path : temporaryPath(path);
  if (doomed !== path) await moveEntry(path, doomed, false);
  await syncDirectory(dirname(path));
  await removeAll(doomed);
}

/** Removes what runs that were killed have left in a directory, where no other run is at work. Throws as the above. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of namesIn(directory).filter(isTemporaryName)) await removeTree(join(directory, name));
}

/** The names in a directory; none when it cannot be read. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/**
 * Removes a tree, also one whose directories nobody may enter, or that is deeper than a path can be long; as root, also
 * one with immutable files, and a read-only subvolume.
 */
async function removeAll(path: string): Promise<void> {
  // rm(1) goes from directory to directory. Node puts paths together and calls itself: deep trees are too much for it.
  const removal = () => runCommand(['rm', '-r', '-f', '--', path], { timeoutMs: TIMEOUT });
  if ((await removal()).status === 0) return;
  // Neither is everywhere, and only root may: what counts is whether the tree can be removed then.
  await setReadOnly(path, false).catch(() => {});
  await runCommand(['chmod', '-R', 'u+rwX', '--', path], { timeoutMs: TIMEOUT });
  await runCommand(['chattr', '-R', '-f', '-i', '-a', '--', path], { timeoutMs: TIMEOUT });
  const last = await removal();
  if (last.status === 0) return;
  throw new StorageError(`${path}: cannot be removed: ${lastLine(last)}`, { next: `remove it with: rm -r ${path}` });
}
