/**
 * What a file system may lose that promises nothing but what fsync(2) promises: the content of every file that was
 * written to and not synced since. (ext4 does better; the names of such files may be there long before their content.)
 */
import { existsSync, lstatSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Point } from './trace.ts';

const WRITES = ['write', 'pwrite64', 'writev', 'pwritev', 'ftruncate', 'sendfile', 'copy_file_range', 'ioctl'];

/** The files that are not on disk, by path below the root, after all of the points. */
export function unsyncedAfter(points: readonly Point[]): Set<string> {
  const unsynced = new Set<string>();
  for (const { call, paths } of points) {
    const [path = '', to] = paths;
    if (WRITES.includes(call)) unsynced.add(path);
    else if (call === 'fsync' || call === 'fdatasync') unsynced.delete(path);
    else if (call === 'syncfs') unsynced.clear();
    else if (call.startsWith('rename') && to !== undefined) {
      for (const one of [...unsynced]) {
        if (one !== path && !one.startsWith(`${path}/`)) continue;
        unsynced.delete(one);
        unsynced.add(to + one.slice(path.length));
      }
    }
  }
  return unsynced;
}

/** Empties what was not synced; what was there before the run keeps what it had. @returns how many files */
export function loseUnsynced(root: string, base: string, unsynced: ReadonlySet<string>): number {
  let lost = 0;
  for (const path of unsynced) {
    const place = join(root, path);
    // The lock says nothing.
    if (path.startsWith('/run/') || !lstatSync(place, { throwIfNoEntry: false })?.isFile()) continue;
    const before = join(base, path);
    if (existsSync(before)) writeFileSync(place, readFileSync(before));
    else truncateSync(place);
    lost++;
  }
  return lost;
}
