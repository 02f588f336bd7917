/** What can be seen of a program after a command: the same of both, so that it can be compared. */
import type { Tree } from './tree.ts';

export interface Observation {
  /** Whether the command did what it was told; having nothing to do is no failure. */
  readonly succeeded: boolean;
  /** After `check-new`: the version that an update would install; null = none. */
  readonly candidate?: string | null;
  /** After `list`: the versions, newest first, and which of them is the current one. */
  readonly listed?: { readonly versions: readonly string[]; readonly current: string | null };
  /** What is installed afterwards. */
  readonly files: Tree;
  /** For people: exit status and messages. */
  readonly said: string;
}

/** What a program answers; the files are looked at by the one who asks. */
export type Answer = Omit<Observation, 'files'>;
