/** Writing to `/etc`, below a merged configuration extension too, which makes it read-only for everybody else. */
import { lstatSync } from 'node:fs';
import { rename, rm, rmdir, symlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { StorageError } from '../errors.ts';
import { makeDirectories, syncDirectory, temporaryPath, writeFileAtomic } from './atomic-file.ts';
import { namesIn, removeTemporaries } from './remove-tree.ts';
import { resolveInRoot } from './root.ts';
import { storageError } from './storage-error.ts';
import { hierarchiesOver, withUnderlay } from './underlay.ts';

/** Directories that stand for one component or one definition: an empty one would still be taken for something. */
const OWN_DIRECTORY = /^(sysupdate\..+|.+\.(transfer|conf|feature|component))\.d$/;

/** What becomes of a file: it gets a text, becomes a link, or goes, with a directory that was for it alone. */
export interface ConfigChange {
  /** As seen inside the root. */
  readonly file: string;
  readonly to: { readonly text: string } | { readonly linkTo: string } | 'removed';
}

/**
 * Makes the changes one after the other, each durable and at once.
 * @param root '' or the directory of `--root=`
 * @throws StorageError
 */
export async function changeConfigFiles(root: string, changes: readonly ConfigChange[]): Promise<void> {
  const make = async (place: string) => {
    for (const { file, to } of changes) {
      try {
        await change(resolveInRoot(place, file, false), to);
      } catch (error) {
        throw storageError(file, error);
      }
    }
  };
  if (root !== '') return make(root);
  try {
    await withUnderlay(
      changes.map(({ file }) => file),
      make,
    );
  } catch (error) {
    throw hierarchiesOver(['/etc']).length > 0 ? belowMerged(error) : error;
  }
}

async function change(path: string, to: ConfigChange['to']): Promise<void> {
  const directory = dirname(path);
  // No other run looks into these directories.
  await removeTemporaries(directory);
  if (to === 'removed') {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
    await rm(path);
    await syncDirectory(directory);
    if (!OWN_DIRECTORY.test(basename(directory)) || namesIn(directory).length > 0) return;
    await rmdir(directory);
    await syncDirectory(dirname(directory));
  } else if ('text' in to) {
    await writeFileAtomic(path, to.text);
  } else {
    await makeDirectories(directory);
    const temporary = temporaryPath(path);
    await symlink(to.linkTo, temporary);
    await rename(temporary, path);
    await syncDirectory(directory);
  }
}

/** A merged confext makes `/etc` read-only for everybody. */
function belowMerged(error: unknown): unknown {
  if (!(error instanceof StorageError)) return error;
  return new StorageError(error.message, {
    cause: error,
    next: 'run as root, which writes below the merged /etc; or unmerge it first (systemd-confext unmerge)',
  });
}
