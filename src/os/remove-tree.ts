/** Removing what may be a directory tree, so that a half-removed one never has a name that means anything. */
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isTemporaryName, syncDirectory, temporaryPath } from './atomic-file.ts';
import { runCommand } from './run-command.ts';
import { isMissing } from './storage-error.ts';
import { mayBeMarked, setReadOnly } from './tree-marks.ts';

/** Removes a file, link or tree, durably; what is not there is no failure. @throws a system call's error, StorageError */
export async function removeTree(path: string): Promise<void> {
  const info = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (info === undefined) return;
  if (!info.isDirectory()) {
    await rm(path, { force: true });
    return syncDirectory(dirname(path));
  }
  const doomed = isTemporaryName(path.slice(path.lastIndexOf('/') + 1)) ? path : temporaryPath(path);
  await unmarked(path, async () => {
    if (doomed !== path) await rename(path, doomed);
  });
  await syncDirectory(dirname(path));
  await unmarked(doomed, () => rm(doomed, { recursive: true, force: true }));
}

/** Does it, and once more without the marks that forbid it. */
async function unmarked(path: string, operation: () => Promise<void>): Promise<void> {
  try {
    await operation();
  } catch (error) {
    if (!(await mayBeMarked(path, error))) throw error;
    // Unprivileged, there is no mark to take off, but there may be directories that not even the owner may change.
    if (process.getuid?.() === 0) await setReadOnly(path, false);
    else await runCommand(['chmod', '-R', 'u+rwX', path]);
    await operation();
  }
}
