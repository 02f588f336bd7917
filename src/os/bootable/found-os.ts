/** An operating system that this machine can boot, besides the one that is running, and how it was found. */
import { ExtupdateError } from '../../errors.ts';
import type { ReleaseFields } from '../../types.ts';

export interface FoundOs {
  /** Of its os-release; ID is always there. */
  readonly fields: ReleaseFields;
  /**
   * Number of a snapper snapshot, or `CHECKSUM.SERIAL` of an ostree deployment (unique in its stateroot only); undefined
   * where the version of the OS is all there is.
   */
  readonly deployment?: string;
  readonly origin: 'snapper' | 'ostree' | 'uki' | 'slot';
  /** The file it was read from, as a path inside the root; for messages. */
  readonly where: string;
  /** Directory inside the root that holds its `usr/`, where it can be looked into. */
  readonly osRoot?: string;
}

/**
 * What a discoverer answers. It answers undefined on a host that is not of its kind; an answer without `found` means
 * that there are such OSes, or may be, and that `problems` says why none of them could be read.
 */
export interface Discovery {
  readonly found: readonly FoundOs[];
  /** Entries that were skipped: "PATH: what is wrong", with the path inside the root. */
  readonly problems: readonly string[];
}

/** The text of a failure that is expected to happen. @throws what it was given when that is anything else: our defect */
export function problemText(error: unknown): string {
  if (error instanceof ExtupdateError) return error.message;
  throw error;
}
