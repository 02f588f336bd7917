/** What is in the directory that is to be published, name by name. */
import { type BigIntStats, type Stats, statSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { UsageError } from '../errors.ts';
import { isTemporaryName } from '../os/atomic-file.ts';
import { storageError } from '../os/storage-error.ts';
import { roleOf } from './file-names.ts';

/** What is in the directory, and not published. */
export interface LeftOut {
  readonly file: string;
  readonly reason: string;
}

/** The names of a directory, by what they are to publish. */
export interface DirectoryContent {
  /** Names of the regular files that are to be listed, sorted. */
  readonly payloads: readonly string[];
  /** What is not listed, and why; hidden names and the list itself go without saying. */
  readonly leftOut: readonly LeftOut[];
  /** Names, as far as they can be shown, that are not UTF-8. */
  readonly unreadable: readonly string[];
  /** Temporary files of a run that was killed. */
  readonly leftovers: readonly string[];
  /** Regular files that say how long a list is good. */
  readonly bestBefore: readonly string[];
  /** All names that are UTF-8. */
  readonly names: ReadonlySet<string>;
}

/** @throws UsageError for what is no directory; StorageError for what cannot be looked at */
export function requireDirectory(path: string): void {
  let info: Stats | undefined;
  try {
    info = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw storageError(path, error);
  }
  if (!info?.isDirectory()) throw new UsageError(`${path}: not a directory`);
}

/**
 * Looks at every name; nothing is opened, and links are not followed.
 * @throws StorageError
 */
export async function readDirectory(directory: string): Promise<DirectoryContent> {
  const payloads: string[] = [];
  const leftOut: LeftOut[] = [];
  const unreadable: string[] = [];
  const leftovers: string[] = [];
  const bestBefore: string[] = [];
  const names = new Set<string>();
  try {
    for (const bytes of await readdir(directory, 'buffer')) {
      const name = bytes.toString('utf8');
      const info = await lstat(Buffer.concat([Buffer.from(`${directory}/`), bytes]), { bigint: true });
      if (!Buffer.from(name).equals(bytes)) {
        unreadable.push(name);
        continue;
      }
      names.add(name);
      const role = roleOf(name);
      if (isTemporaryName(name)) leftovers.push(name);
      else if (!info.isFile()) leftOut.push({ file: name, reason: typeOf(info) });
      else if (role === undefined) payloads.push(name);
      else if (role === 'best-before') bestBefore.push(name);
      else if (role === 'temporary') leftOut.push({ file: name, reason: 'the name of a temporary file' });
    }
  } catch (error) {
    throw storageError(directory, error);
  }
  return { payloads: payloads.sort(), leftOut, unreadable, leftovers, bestBefore, names };
}

function typeOf(info: BigIntStats): string {
  if (info.isSymbolicLink()) return 'a symbolic link';
  if (info.isDirectory()) return 'a directory';
  return info.isFIFO() ? 'a FIFO' : 'not a regular file';
}
