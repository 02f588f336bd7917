/**
 * What a file system may lose that promises nothing but what fsync(2) promises: the content of every file that was
 * written to and not synced since. (ext4 does better; the names of such files may be there long before their content.)
 */
import { existsSync, lstatSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Point } from './trace.ts';

const WRITES = ['write', 'pwrite64', 'writev', 'pwritev', 'ftruncate', 'sendfile', 'copy_file_range', 'ioctl'];

/** Whether a file has taken the place of another one, by path below the root. */
export type Unsynced = ReadonlyMap<string, boolean>;

/** The files that are not on disk after all of the points. */
export function unsyncedAfter(points: readonly Point[]): Unsynced {
  const unsynced = new Map<string, boolean>();
  for (const { call, paths } of points) {
    const [path = '', to] = paths;
    if (WRITES.includes(call)) unsynced.set(path, unsynced.get(path) ?? false);
    else if (call === 'fsync' || call === 'fdatasync') unsynced.delete(path);
    else if (call === 'syncfs') unsynced.clear();
    else if (call.startsWith('rename') && to !== undefined) {
      for (const one of [...unsynced.keys()]) {
        if (one !== path && !one.startsWith(`${path}/`)) continue;
        unsynced.delete(one);
        unsynced.set(to + one.slice(path.length), true);
      }
    }
  }
  return unsynced;
}

/** Empties what was not synced; what was only written to keeps what it had before the run. @returns how many files */
export function loseUnsynced(root: string, base: string, unsynced: Unsynced): number {
  let lost = 0;
  for (const [path, isNew] of unsynced) {
    const place = join(root, path);
    // The lock says nothing.
    if (path.startsWith('/run/') || !lstatSync(place, { throwIfNoEntry: false })?.isFile()) continue;
    const before = join(base, path);
    if (!isNew && existsSync(before)) writeFileSync(place, readFileSync(before));
    else truncateSync(place);
    lost++;
  }
  return lost;
}
