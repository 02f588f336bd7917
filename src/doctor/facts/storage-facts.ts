/** Room and permissions of the directories that extupdate writes to. */
import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { resolveInRoot } from '../../os/root.ts';
import { RESERVE } from '../../os/space.ts';
import { errorCode } from '../../os/storage-error.ts';
import { STAGING_PATH } from '../../source/staging.ts';
import type { Component } from '../../types.ts';
import { unseenPlaces } from '../../unseen.ts';
import type { StorageFacts, VolumeFact } from '../check-storage.ts';

/** Looks at staging, and at all targets. */
export function storageFacts(
  root: string,
  components: readonly Component[],
): Pick<StorageFacts, 'volumes' | 'reserve' | 'unwritable' | 'unseen'> {
  const targets = components.flatMap(({ transfers }) => transfers.map(({ target }) => target.path));
  const paths = [...new Set([dirname(STAGING_PATH), ...targets])];
  const volumes = paths.flatMap((path) => volumeOf(root, path) ?? []);
  return {
    volumes,
    reserve: RESERVE,
    unwritable: unwritableIn(root, [dirname(STAGING_PATH)]),
    unseen: unseenPlaces(root),
  };
}

/** The file system of a directory, or of what is above it where it is not there yet. */
function volumeOf(root: string, path: string): VolumeFact | undefined {
  for (let place = resolveInRoot(root, path); ; place = dirname(place)) {
    try {
      const { bavail, bsize, blocks, files, ffree } = statfsSync(place);
      const freeBytes = blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
      const freeFiles = files === 0 ? Number.POSITIVE_INFINITY : ffree;
      return { path, device: statSync(place).dev, freeBytes, freeFiles };
    } catch {
      if (place === dirname(place)) return undefined;
    }
  }
}

/** What root cannot write to either; an ordinary user is not asked. */
function unwritableIn(root: string, paths: readonly string[]): { path: string; error: string }[] {
  if (process.geteuid?.() !== 0) return [];
  return paths.flatMap((path) => {
    for (let place = resolveInRoot(root, path); ; place = dirname(place)) {
      try {
        accessSync(place, constants.W_OK);
        return [];
      } catch (error) {
        const code = errorCode(error);
        if (code !== 'ENOENT') return [{ path, error: code ?? (error as Error).message }];
        if (place === dirname(place)) return [];
      }
    }
  });
}
