/**
 * What was seen of a source, and how its next list is judged by it: against lists that are replayed, emptied, or of
 * another repository (the attacks that TUF, section 1.5.2, calls rollback, freeze and mix-and-match). It judges lists,
 * never the version that is chosen from one. Pure.
 */
import { PolicyError, TrustError } from '../errors.ts';
import { compareVersions } from '../version/compare.ts';
import type { ManifestEntries } from './manifest.ts';

/** What of an accepted list is remembered, besides its names. */
export interface Seen {
  /** SHA-256 of the list. */
  readonly list: string;
  /** When the newest accepted list was signed, in milliseconds since 1970; undefined for lists without a signature. */
  readonly signedAt?: number | undefined;
  /** The newest version that was listed, by the patterns that found it. */
  readonly newest: Readonly<Record<string, string>>;
}

/** A list as it was just accepted by its signature, its format and its date. */
export interface ListNow {
  /** Names the list in messages: its URL. */
  readonly url: string;
  readonly sha256: string;
  readonly signedAt?: number | undefined;
  readonly entries: ManifestEntries;
  /** Reads the entries again from where the list was saved, so that nobody has to keep them. */
  readonly reread: () => ManifestEntries | undefined;
}

/** The way back for a person who knows better; the component is filled in where it is known. */
const forget = 'if the publisher means it, "extupdate reset-floor NAME" forgets what was seen of the source';

/**
 * Judges a list by the time of its signature.
 * @throws PolicyError for one that is older than what was accepted before
 */
export function judgeTime(seen: Seen | undefined, list: ListNow): void {
  if (seen?.signedAt === undefined || list.signedAt === undefined || list.signedAt >= seen.signedAt) return;
  throw new PolicyError(
    `${list.url}: an old list: signed at ${iso(list.signedAt)}, and one of ${iso(seen.signedAt)} was seen before`,
    { next: `the server shows old copies, and a later run tries again; ${forget}` },
  );
}

/**
 * Judges the versions that a list has for one transfer.
 * @param patterns the transfer's patterns, as one key
 * @param newest the newest version that they find now; undefined when they find none
 * @param known whether a name was ever listed by this source
 * @throws PolicyError when all is gone, or when an unsigned list goes back; TrustError for the list of something else
 */
export function judgeVersions(
  seen: Seen | undefined,
  list: ListNow,
  patterns: string,
  newest: string | undefined,
  known: (name: string) => boolean,
): void {
  const before = seen?.newest[patterns];
  if (before === undefined) return;
  if (newest === undefined) {
    if (list.entries.size > 0 && ![...list.entries.keys()].some(known)) {
      throw new TrustError(`${list.url}: the list of another repository: nothing in it was ever listed here`, {
        next: `tell the publisher; ${forget}`,
      });
    }
    throw new PolicyError(`${list.url}: offers nothing any more, and had ${before} before`, {
      next: `what is installed stays; ${forget}`,
    });
  }
  // A publisher who signs may take a version back; without a signature it is as likely an old copy.
  if (list.signedAt === undefined && compareVersions(newest, before) < 0) {
    throw new PolicyError(`${list.url}: an old list: its newest is ${newest}, and ${before} was listed before`, {
      next: forget,
    });
  }
}

/** Names that are listed with another hash than before. */
export function changedNames(names: ReadonlyMap<string, string>, entries: ManifestEntries): string[] {
  return [...entries.keys()].filter((name) => (names.get(name) ?? entries.get(name)) !== entries.get(name));
}

/** The names to remember, those that are listed now before the others. @param max how many are remembered */
export function mergeNames(
  names: ReadonlyMap<string, string>,
  entries: ManifestEntries,
  max: number,
): Map<string, string> {
  const merged = new Map(entries);
  for (const [name, sha256] of names) {
    if (merged.size >= max) break;
    if (!merged.has(name)) merged.set(name, sha256);
  }
  return merged;
}

function iso(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}
