/** What takes long to make is made once, and kept under a name that says what it was made of. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

export const CACHE = '.cache/release';

/** What nothing has asked for in so long goes, in milliseconds. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

/**
 * Gives a directory with what `make` puts into it; two at a time may make it, and one of them counts.
 * @param name what it is made of; the same name stands for the same content
 */
export function makeOnce(name: string, make: (place: string) => void): string {
  const directory = join(CACHE, name);
  if (!existsSync(directory)) {
    mkdirSync(CACHE, { recursive: true });
    const place = mkdtempSync(`${directory}.`);
    try {
      make(place);
      renameSync(place, directory);
    } catch (error) {
      if (!existsSync(directory)) throw error;
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }
  const now = new Date();
  utimesSync(directory, now, now);
  for (const other of readdirSync(CACHE)) {
    const { mtimeMs } = statSync(join(CACHE, other), { throwIfNoEntry: false }) ?? { mtimeMs: now.getTime() };
    if (now.getTime() - mtimeMs > KEPT_MS) rmSync(join(CACHE, other), { recursive: true, force: true });
  }
  return directory;
}
