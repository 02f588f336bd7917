/**
 * What extupdate remembers between runs, in `/var/lib/extupdate/state.json`. Everything that matters for safety can be
 * read off the disk; a lost state costs the memory of holds and bad marks, never an image.
 */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import * as z from 'zod/mini';
import { writeFileAtomic } from './atomic-file.ts';
import { resolveInRoot } from './root.ts';
import { isMissing, storageError } from './storage-error.ts';

/** Loose, so that what a newer extupdate wrote survives an older one that was rolled back with the OS. */
const State = z.looseObject({
  format: z.number(),
  /** By path of the file, as seen inside the root, without `.parked/`. */
  installed: z.record(
    z.string(),
    z.object({ component: z.string(), version: z.string(), sha256: z.string(), sizeBytes: z.number() }),
  ),
  /** Versions that are kept out, by component. */
  held: z.record(z.string(), z.array(z.string())),
  /** Images that failed when they were tried, by SHA-256. */
  bad: z.record(z.string(), z.object({ component: z.string(), version: z.string(), reason: z.string() })),
  /** The version that was active before the present one, by component. */
  previous: z.record(z.string(), z.string()),
});

export type State = z.infer<typeof State>;

export const STATE_PATH = '/var/lib/extupdate/state.json';

export function emptyState(): State {
  return { format: 1, installed: {}, held: {}, bad: {}, previous: {} };
}

/**
 * Reads the state; a missing one is empty. One that cannot be understood is put aside as `.broken` (when `mend` and the
 * file system allow) and counts as empty.
 */
export function readState(root: string, mend: boolean): State {
  const place = resolveInRoot(root, STATE_PATH);
  let text: string;
  try {
    text = readFileSync(place, 'utf8');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EACCES') return emptyState();
    throw storageError(STATE_PATH, error);
  }
  const parsed = parse(text);
  if (parsed) return parsed;
  if (mend) {
    try {
      renameSync(place, `${place}.broken`);
    } catch {
      // It will be overwritten by the next good state.
    }
  }
  return emptyState();
}

/** Replaces the state, durably; one that is on disk already is not written again. */
export async function writeState(root: string, state: State): Promise<void> {
  const place = resolveInRoot(root, STATE_PATH);
  const text = `${JSON.stringify(state, undefined, 1)}\n`;
  try {
    if (!existsSync(place) || readFileSync(place, 'utf8') !== text) await writeFileAtomic(place, text);
  } catch (error) {
    throw storageError(STATE_PATH, error);
  }
}

function parse(text: string): State | undefined {
  try {
    const result = State.safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}
