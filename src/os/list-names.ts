/** Names below a directory, as far down as a pattern goes. */
import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from '../errors.ts';
import { isTemporaryName } from './atomic-file.ts';
import { isMissing, storageError } from './storage-error.ts';

/** Entries that are looked at before something must be wrong. */
const ENTRIES_MAX = 100_000;

/**
 * Names relative to a directory, with `/` between parts. Symbolic links are neither listed nor followed.
 * @param depth how many directories below it are looked into
 * @returns nothing for a directory that is not there
 * @throws StorageError
 */
export function listNames(directory: string, depth: number, kind: 'file' | 'directory'): string[] {
  const names: string[] = [];
  let seen = 0;
  const walk = (below: string, left: number) => {
    for (const entry of entriesOf(join(directory, below))) {
      seen += 1;
      if (seen > ENTRIES_MAX) {
        throw new StorageError(`${directory}: more than ${ENTRIES_MAX} entries`, {
          next: 'give MatchPattern= fewer directories to look into',
        });
      }
      if (isTemporaryName(entry.name)) continue;
      const name = join(below, entry.name);
      if (kind === 'file' ? entry.isFile() : entry.isDirectory()) names.push(name);
      if (entry.isDirectory() && left > 0) walk(name, left - 1);
    }
  };
  walk('', depth);
  return names;
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw storageError(directory, error);
  }
}
