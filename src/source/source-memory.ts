/**
 * What was seen of the sources, in `/var/lib/extupdate/sources`: a small file and a list of names for each. Only what
 * installs writes it, so that a confined acquire step cannot make it forget; losing it loses the protection against old
 * lists, never an image.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { withoutCredentials } from '../fetch/url.ts';
import { writeFileAtomic } from '../os/atomic-file.ts';
import { readBoundedFile } from '../os/bounded-file.ts';
import { resolveInRoot } from '../os/root.ts';
import { readStateFile } from '../os/state-file.ts';
import { storageError } from '../os/storage-error.ts';
import { newestFirst } from '../version/compare.ts';
import { changedNames, judgeTime, judgeVersions, type ListNow, mergeNames, type Seen } from './seen.ts';

export const SOURCES_PATH = '/var/lib/extupdate/sources';

/** Names that are remembered of a source: more than a list of 1 MiB can hold. */
const NAMES_MAX = 32_768;
/** Patterns that are remembered of a source, the last ones: they change with the OS version in them. */
const PATTERNS_MAX = 256;
/** Largest file of names, in bytes. */
const NAMES_SIZE_MAX = 16 * 1024 * 1024;

/** The last time that a date can have, in milliseconds since 1970. */
const TIME_MAX = 8.64e15;

const SeenFile = z.looseObject({
  format: z.number(),
  url: z.string(),
  verified: z.boolean(),
  list: z.string(),
  signedAt: z.optional(z.number().check(z.gte(0), z.lte(TIME_MAX))),
  newest: z.record(z.string(), z.string()),
});

/** Which memory a list belongs to: what nobody signed must not stand for what somebody did. */
export interface SourceKey {
  /** `Path=` of the definition, without a mirror that `BaseURL=` puts in its place. */
  readonly url: string;
  readonly verified: boolean;
}

/** What one transfer finds in a list. */
export interface TransferListing {
  /** Its patterns, as one key. */
  readonly patterns: string;
  readonly versions: readonly string[];
}

export interface SourceMemory {
  /**
   * Judges a list for a transfer, and notes it to be remembered.
   * @returns names that are listed with another hash than in an earlier run
   * @throws PolicyError, TrustError; see seen.ts
   */
  judge(key: SourceKey, list: ListNow, listing: TransferListing): readonly string[];
  /** Remembers the lists that were accepted in this run. @throws StorageError */
  save(): Promise<void>;
}

interface Known {
  readonly key: SourceKey;
  seen: Seen | undefined;
  /** Reads the entries of the list that this run was given, where it is not the one that was seen last. */
  reread?: ListNow['reread'];
  dirty: boolean;
}

/** Opens the memory. @param root '' or the directory of `--root=` */
export function openSourceMemory(root: string): SourceMemory {
  const sources = new Map<string, Known>();

  function known(key: SourceKey): Known {
    const id = idOf(key);
    const found = sources.get(id) ?? { key, seen: readSeen(root, key), dirty: false };
    sources.set(id, found);
    return found;
  }

  return {
    judge(key, list, { patterns, versions }) {
      const source = known(key);
      const { seen } = source;
      judgeTime(seen, list);
      const newest = newestOf(versions);
      let cached: ReadonlyMap<string, string> | undefined;
      const seenNames = () => {
        cached ??= readNames(root, key);
        return cached;
      };
      judgeVersions(seen, list, patterns, newest, (name) => seenNames().has(name));
      if (seen?.list === list.sha256 && (newest === undefined || newest === seen.newest[patterns])) return [];
      const isSame = seen?.list === list.sha256;
      const newestBefore = seen?.newest ?? {};
      source.seen = {
        list: list.sha256,
        ...(list.signedAt === undefined ? {} : { signedAt: list.signedAt }),
        newest: newest === undefined ? newestBefore : withPattern(newestBefore, patterns, newest),
      };
      source.dirty = true;
      if (isSame) return [];
      source.reread = list.reread;
      return changedNames(seenNames(), list.entries);
    },
    async save() {
      for (const source of sources.values()) {
        if (!source.dirty || !source.seen) continue;
        await write(root, source);
        source.dirty = false;
        delete source.reread;
      }
    },
  };
}

/**
 * Forgets what was seen of a source.
 * @param dryRun only says whether there is something to forget
 * @returns whether anything was known
 * @throws StorageError
 */
export async function forgetSource(root: string, url: string, dryRun: boolean): Promise<boolean> {
  let any = false;
  for (const verified of [true, false]) {
    const { seen, names } = filesOf({ url, verified });
    any ||= readSeen(root, { url, verified }) !== undefined;
    for (const path of dryRun ? [] : [seen, names]) {
      try {
        await rm(resolveInRoot(root, path, false), { force: true });
      } catch (error) {
        throw storageError(path, error);
      }
    }
  }
  return any;
}

async function write(root: string, { key, seen, reread }: Known): Promise<void> {
  const files = filesOf(key);
  try {
    // The names go first: a list whose names are known is never taken for one that was remembered.
    const entries = reread?.();
    if (entries) {
      const merged = mergeNames(readNames(root, key), entries, NAMES_MAX);
      const text = [...merged].map(([name, sha256]) => `${sha256} *${name}\n`).join('');
      await writeFileAtomic(resolveInRoot(root, files.names), text);
    }
    await writeFileAtomic(
      resolveInRoot(root, files.seen),
      `${JSON.stringify({ format: 1, ...key, url: withoutCredentials(key.url), ...seen }, undefined, 1)}\n`,
    );
  } catch (error) {
    throw storageError(files.seen, error);
  }
}

function readSeen(root: string, key: SourceKey): Seen | undefined {
  const file = readStateFile(root, filesOf(key).seen, SeenFile, false);
  return file?.url === withoutCredentials(key.url) && file.verified === key.verified ? file : undefined;
}

/** By name the hash that was seen last. */
function readNames(root: string, key: SourceKey): Map<string, string> {
  const names = new Map<string, string>();
  let bytes: Buffer | undefined;
  try {
    bytes = readBoundedFile(root, filesOf(key).names, NAMES_SIZE_MAX);
  } catch {
    // What cannot be read is not known; the next save replaces it.
  }
  for (const line of bytes?.toString().split('\n') ?? []) {
    if (/^[0-9a-f]{64} \*./.test(line)) names.set(line.slice(66), line.slice(0, 64));
  }
  return names;
}

/** Where the memory of a source is, as seen inside the root. */
export function filesOf(key: SourceKey): { readonly seen: string; readonly names: string } {
  const id = idOf(key);
  return { seen: join(SOURCES_PATH, `${id}.json`), names: join(SOURCES_PATH, `${id}.names`) };
}

/** A new password does not make it another source. */
function idOf({ url, verified }: SourceKey): string {
  return createHash('sha256')
    .update(`${verified} ${withoutCredentials(url)}`)
    .digest('hex')
    .slice(0, 32);
}

function withPattern(newest: Seen['newest'], patterns: string, version: string): Record<string, string> {
  const { [patterns]: _, ...others } = newest;
  return Object.fromEntries([...Object.entries(others), [patterns, version] as const].slice(-PATTERNS_MAX));
}

function newestOf(versions: readonly string[]): string | undefined {
  const [first, ...others] = versions;
  return others.reduce((newest, version) => (newest && newestFirst(version, newest) < 0 ? version : newest), first);
}
