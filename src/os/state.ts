/**
 * What extupdate remembers between runs, in `/var/lib/extupdate/state.json`. Everything that matters for safety can be
 * read off the disk; a lost state costs the memory of holds and bad marks, never an image.
 */
import * as z from 'zod/mini';
import { readStateFile, writeStateFile } from './state-file.ts';

/**
 * Loose, so that what a newer extupdate wrote survives an older one that was rolled back with the OS. A newer format
 * may only add: what stands here keeps its type.
 */
const State = z.looseObject({
  format: z.number(),
  /** By path of the file, as seen inside the root, without `.parked/`. */
  installed: z.record(
    z.string(),
    z.looseObject({
      component: z.string(),
      version: z.string(),
      sha256: z.string(),
      sizeBytes: z.number(),
      /** Of the file as it lies, where that is one: what was published may have been compressed. */
      contentSha256: z.optional(z.string()),
    }),
  ),
  /** Versions that are kept out, by component. */
  held: z.record(z.string(), z.array(z.string())),
  /** The only version that a person wants, by component. */
  pinned: z._default(z.record(z.string(), z.string()), {}),
  /** Versions that are kept out of one OS, by its identity and by component. */
  heldFor: z._default(z.record(z.string(), z.record(z.string(), z.array(z.string()))), {}),
  /** Images that failed when they were tried, by SHA-256. */
  bad: z.record(
    z.string(),
    z.looseObject({
      component: z.string(),
      version: z.string(),
      reason: z.string(),
      oses: z._default(z.array(z.string()), []),
    }),
  ),
  /** Versions that a run has made visible and has not judged yet, by component, and whether a person went back to it. */
  trials: z._default(z.record(z.string(), z.looseObject({ versions: z.array(z.string()), goesBack: z.boolean() })), {}),
  /** Names of the OSes that `prepare` was last run for and that were not booted since. */
  prepared: z._default(z.array(z.string()), []),
  /** Versions that their source has taken back and `OnWithdrawn=` does not keep, by component. */
  withdrawn: z._default(z.record(z.string(), z.array(z.string())), {}),
  /** The version that was active before the present one, by component. */
  previous: z.record(z.string(), z.string()),
});

export type State = z.infer<typeof State>;

export const STATE_PATH = '/var/lib/extupdate/state.json';

export function emptyState(): State {
  return {
    format: 1,
    installed: {},
    held: {},
    pinned: {},
    heldFor: {},
    bad: {},
    trials: {},
    prepared: [],
    withdrawn: {},
    previous: {},
  };
}

/** Reads the state; a missing or unreadable one is empty. @param mend see {@link readStateFile} */
export function readState(root: string, mend: boolean): State {
  return readStateFile(root, STATE_PATH, State, mend) ?? emptyState();
}

/** Replaces the state, durably; one that is on disk already is not written again. */
export function writeState(root: string, state: State): Promise<void> {
  return writeStateFile(root, STATE_PATH, state);
}
