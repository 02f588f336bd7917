/** An OS that somebody else has mounted: the other slot of an A/B host, as a post-install hook gets to see it. */
import { posix } from 'node:path';
import { ConfigError } from '../../errors.ts';
import { type FoundOs, problemText } from './found-os.ts';
import { osReleasePaths, readTreeRelease } from './tree-release.ts';

/** Flatcar's slots are bare `/usr` partitions. */
const BARE_USR = '/lib/os-release';

/**
 * Reads the OS whose tree, or whose bare `/usr`, is mounted at a directory.
 * @param mountPoint absolute path inside the root
 * @throws ConfigError that says what was looked for, when there is no OS or its os-release cannot be used
 */
export function readSlot(root: string, mountPoint: string): FoundOs {
  const tree = posix.normalize(`/${mountPoint}`).replace(/\/$/, '');
  try {
    const { fields, path } = readTreeRelease(root, tree, [...osReleasePaths, BARE_USR]);
    const where = tree + path;
    return path === BARE_USR
      ? { fields, origin: 'slot', where }
      : { fields, origin: 'slot', where, osRoot: tree || '/' };
  } catch (error) {
    const next = 'name the directory that the tree or the /usr partition of the OS is mounted at';
    throw new ConfigError(problemText(error), { next, cause: error });
  }
}
