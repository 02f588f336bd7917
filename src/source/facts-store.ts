/**
 * What is known of images by their hash, kept between runs so that a version is looked at once. It ranks and rules out;
 * an image is always read again before systemd sees it.
 */
import * as z from 'zod/mini';
import { writeFileAtomic } from '../os/atomic-file.ts';
import { readBoundedFile } from '../os/bounded-file.ts';
import { errorCode } from '../os/storage-error.ts';
import type { ImageFacts } from '../types.ts';

/** Images that are remembered; the ones not offered any more go first. */
const FACTS_MAX = 4000;

const Release = z.object({
  suffix: z.string(),
  fields: z.record(z.string(), z.string()),
  strict: z.optional(z.boolean()),
});

const Facts = z.object({
  origin: z.enum(['image', 'remote', 'sidecar']),
  sysext: z.array(Release),
  confext: z.array(Release),
  hasOsRelease: z.boolean(),
  defect: z.optional(z.string()),
  /** When bytes that nobody has hashed were looked at, in milliseconds since 1970. */
  lookedAt: z.optional(z.number()),
});

const Store = z.object({ format: z.literal(1), images: z.record(z.string(), Facts) });

/** Largest store that is read, in bytes. */
const FACTS_SIZE_MAX = 32 * 1024 * 1024;
/** Milliseconds for which a look at bytes that nobody has hashed is believed: a server must not hide a version for long. */
const BELIEVED_FOR = 24 * 3600 * 1000;

export interface FactsStore {
  get(sha256: string): ImageFacts | undefined;
  set(sha256: string, facts: ImageFacts): void;
  /** Whether the facts are of an old look at bytes that nobody has hashed: good enough to rank, not to rule out. */
  isHearsay(sha256: string): boolean;
  /** Writes what is new; an unprivileged reader cannot, and needs not. @param offered hashes that are still offered */
  save(offered: ReadonlySet<string>): Promise<void>;
}

/** Reads the store; one that is missing or not understood is empty. @param now the time of the run */
export function openFactsStore(file: string, now: Date): FactsStore {
  const images = new Map<string, ImageFacts & { readonly lookedAt?: number }>();
  try {
    const stored = Store.parse(JSON.parse(String(readBoundedFile('', file, FACTS_SIZE_MAX))));
    for (const [sha256, facts] of Object.entries(stored.images)) images.set(sha256, facts as ImageFacts);
  } catch {
    // Everything in it can be learnt again.
  }
  let changed = false;
  return {
    get: (sha256) => images.get(sha256),
    set(sha256, facts) {
      images.set(sha256, facts.origin === 'remote' ? { ...facts, lookedAt: now.getTime() } : facts);
      changed = true;
    },
    isHearsay(sha256) {
      const known = images.get(sha256);
      // A clock that was set back must not make it believed for longer.
      return known?.origin === 'remote' && Math.abs(now.getTime() - (known.lookedAt ?? 0)) > BELIEVED_FOR;
    },
    async save(offered) {
      if (!changed) return;
      const kept = [...images].sort(([a], [b]) => Number(offered.has(b)) - Number(offered.has(a))).slice(0, FACTS_MAX);
      try {
        await writeFileAtomic(file, JSON.stringify({ format: 1, images: Object.fromEntries(kept) }));
        changed = false;
      } catch (error) {
        // It can be learnt again; a full or read-only disk is told where it matters.
        if (errorCode(error) === undefined) throw error;
      }
    },
  };
}
