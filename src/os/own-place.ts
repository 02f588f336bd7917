/** Whether what is written in a place stays there, and stays what it is. */
import { lstatSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ConfigError, StorageError } from '../errors.ts';
import { linkTarget, resolveInRoot } from './root.ts';

/**
 * A target directory may be a link, which its owner has made. Below it nothing may be one: it would lead files
 * elsewhere, and links in it are somebody else's.
 * @param directory outside the root
 * @param path in the directory; need not be there
 * @throws StorageError
 */
export function requireNoLinks(directory: string, path: string): void {
  let here = directory;
  for (const part of relative(directory, path).split('/')) {
    here = join(here, part);
    if (linkTarget(here) !== undefined) {
      throw new StorageError(`${here}: is a symbolic link, leaving it alone`, { next: 'move it away' });
    }
  }
}

/**
 * Whoever may write to a directory that systemd reads images from, or rename one that leads there, decides what is
 * merged, whatever was verified. What this user may not look at is not judged.
 * @param directory as seen inside the root; need not be there
 * @throws ConfigError
 */
export function requireSafeDirectory(root: string, directory: string): void {
  const trusted = new Set([0, process.geteuid?.(), statSync(root || '/').uid]);
  for (const place of leadingTo(root, directory)) {
    const info = lookAt(place);
    if (info === undefined) continue;
    const shown = place.slice(root.length) || '/';
    if (!trusted.has(info.uid)) {
      throw new ConfigError(
        `${directory}: ${shown} belongs to the user ${info.uid}, who could exchange what is in it`,
        {
          next: `chown root ${shown}, or choose another Path=`,
        },
      );
    }
    // With the sticky bit (/tmp), nobody may rename what others have in it; but anybody may add something.
    const isSticky = (info.mode & 0o1000) !== 0 && place !== resolveInRoot(root, directory);
    if ((info.mode & 0o002) !== 0 && !isSticky) {
      throw new ConfigError(`${directory}: ${shown} is writable by everybody`, {
        next: `chmod o-w ${shown}, or choose another Path=`,
      });
    }
  }
}

/** Every directory that decides where a path leads: links on the way lie in directories of their own. */
function leadingTo(root: string, directory: string): Set<string> {
  const places = new Set<string>();
  for (let named = directory; ; named = dirname(named)) {
    let place = resolveInRoot(root, named);
    // Without a root, the top is its own parent.
    for (; place.length > root.length && place !== dirname(place); place = dirname(place)) places.add(place);
    if (named === dirname(named)) return places;
  }
}

function lookAt(place: string) {
  try {
    const info = lstatSync(place);
    return info.isDirectory() ? info : undefined;
  } catch {
    return undefined;
  }
}
