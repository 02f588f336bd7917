/** What is kept out of a component: versions that a choice or a failed OS update holds, and images that failed. Pure. */
import { newestFirst } from '../version/compare.ts';
import type { VersionState } from './resolver.ts';

/** An image that failed when it was tried. */
export type BadMark = {
  readonly component: string;
  readonly version: string;
  readonly reason: string;
  /** Identities of the OSes under which it failed: under another it may work. Empty: wherever it is. */
  readonly oses: string[];
};

/** Versions that are held, newest first or not. */
export interface Holds {
  /** Under every OS. */
  readonly everywhere: readonly string[];
  /** Under the running OS only. */
  readonly here: readonly string[];
}

/** Adds an OS to what is known of an image. */
export function addBadMark(known: BadMark | undefined, mark: Omit<BadMark, 'oses'>, os: string): BadMark {
  return { ...mark, oses: known ? unique([...known.oses, os]) : [os] };
}

/** Whether an image is known to fail under an OS. */
export function isBadUnder(mark: BadMark | undefined, os: string): boolean {
  return mark !== undefined && (mark.oses.length === 0 || mark.oses.includes(os));
}

/**
 * The holds after a person has chosen a version: all that is newer stays out until something newer still appears. What
 * was held before and is newer is so still, although it may not be offered any more. What this OS cannot use is not held,
 * and what nobody has looked into is held for this OS only: it may be just the version that the next OS needs.
 */
export function holdsAfterChoice(
  chosen: string,
  versions: readonly Pick<VersionState, 'version' | 'compatible'>[],
  before: Holds,
): Holds {
  const isNewer = (version: string) => newestFirst(version, chosen) < 0;
  const newer = versions.filter(({ version }) => isNewer(version));
  const those = (compatible: boolean | null) =>
    newer.filter((one) => one.compatible === compatible).map(({ version }) => version);
  const everywhere = unique([...those(true), ...before.everywhere.filter(isNewer)]);
  const here = unique([...those(null), ...before.here.filter(isNewer)]);
  return { everywhere, here: here.filter((version) => !everywhere.includes(version)) };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
