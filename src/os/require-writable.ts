/** Whether this user may write somewhere, asked before a person is. */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from '../errors.ts';
import { resolveInRoot } from './root.ts';
import { errorCode } from './storage-error.ts';
import { hierarchiesOver } from './underlay.ts';

/**
 * @param path of a file that is to be made, replaced or removed, as seen inside the root
 * @throws StorageError where this user may not write; what else may fail shows when it is written
 */
export function requireWritable(root: string, path: string): void {
  for (let place = dirname(resolveInRoot(root, path, false)); ; place = dirname(place)) {
    try {
      accessSync(place, constants.W_OK);
      return;
    } catch (error) {
      const code = errorCode(error);
      // A merged confext makes `/etc` read-only, and root writes below it.
      if (code === 'EROFS' && process.geteuid?.() === 0 && hierarchiesOver([place]).length > 0) return;
      if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
        throw new StorageError(`${path}: permission denied (${code})`, { cause: error, next: 'run as root' });
      }
      if (place === dirname(place)) return;
    }
  }
}
