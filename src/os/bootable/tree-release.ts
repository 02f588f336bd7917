/** The os-release of an OS that is not running: of its tree in a directory, or of the bytes that a boot file carries. */
import { ConfigError } from '../../errors.ts';
import { parseRelease } from '../../resolve/os-release.ts';
import type { ReleaseFields } from '../../types.ts';
import { readBoundedFile } from '../bounded-file.ts';
import { resolveInRoot } from '../root.ts';
import { problemText } from './found-os.ts';

/** In the order of os-release(5): the first that exists counts, even when it is the worse one. */
export const osReleasePaths = ['/etc/os-release', '/usr/lib/os-release'] as const;

export interface TreeRelease {
  readonly fields: ReleaseFields;
  /** The one of the paths that was read. */
  readonly path: string;
}

/**
 * Reads the os-release of an OS tree. Links are resolved inside the tree, as they will be when it is booted.
 * @param root the root that the tree is in; '' is this machine
 * @param tree path of the tree inside the root, without a trailing slash; '' is the root itself
 * @param paths where to look, inside the tree; the first that exists counts
 * @throws ConfigError, its message begins with the path inside the root: there is none, it cannot be read or has no ID=;
 * StorageError when the links on the way to the tree make a loop
 */
export function readTreeRelease(root: string, tree: string, paths: readonly string[] = osReleasePaths): TreeRelease {
  const place = resolveInRoot(root, tree);
  for (const path of paths) {
    try {
      const bytes = readBoundedFile(place, path);
      if (bytes) return { fields: parseReleaseBytes(path, bytes), path };
    } catch (error) {
      throw new ConfigError(tree + problemText(error), { cause: error });
    }
  }
  const looked = paths.map((path) => path.slice(1)).join(', ');
  throw new ConfigError(`${tree || '/'}: no operating system: looked for ${looked}`);
}

/**
 * Parses an os-release.
 * @param name begins the message of errors
 * @throws ConfigError when it has no ID=, or a NUL byte in the middle; the sections of PE files are padded with them
 */
export function parseReleaseBytes(name: string, bytes: Uint8Array): ReleaseFields {
  const text = Buffer.from(bytes).toString('utf8').replace(/\0+$/, '');
  if (text.includes('\0')) throw new ConfigError(`${name}: is not text: has a NUL byte`);
  const fields = parseRelease(text);
  if (!fields.ID) throw new ConfigError(`${name}: has no ID=`);
  return fields;
}

/**
 * Reads one os-release file.
 * @param path absolute path on this machine
 * @throws ConfigError, StorageError
 */
export function readReleaseFile(path: string): ReleaseFields {
  const bytes = readBoundedFile('', path);
  if (!bytes)
    throw new ConfigError(`${path}: there is no such file`, { next: 'name the os-release file of the other OS' });
  return parseReleaseBytes(path, bytes);
}
