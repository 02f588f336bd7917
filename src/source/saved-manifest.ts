/**
 * The last manifest of a source, kept with its signature: for conditional requests, for `--offline`, and so that the
 * install step can verify again what the acquire step was told.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { writeFileAtomic } from '../os/atomic-file.ts';
import { readBoundedFile } from '../os/bounded-file.ts';
import { inPinnedDirectory } from '../os/pinned-directory.ts';
import { removeTree } from '../os/remove-tree.ts';
import { errorCode } from '../os/storage-error.ts';
import { MANIFEST_SIZE_MAX } from './manifest.ts';

const Validators = z.object({
  etag: z.optional(z.union([z.string(), z.undefined()])),
  lastModified: z.optional(z.union([z.string(), z.undefined()])),
});

const Meta = z.object({
  format: z.literal(1),
  url: z.string(),
  manifest: Validators,
  signature: z.optional(z.object({ name: z.string(), ...Validators.shape })),
});

export interface SavedManifest {
  readonly meta: z.infer<typeof Meta>;
  readonly manifest: Buffer;
  readonly signature?: Buffer;
  /** It is what is on disk already. */
  readonly unchanged?: boolean;
}

const FILES = { meta: 'meta.json', manifest: 'SHA256SUMS', signature: 'signature' } as const;

/** Reads what was saved; undefined when there is nothing usable, whatever the reason. */
export function readSavedManifest(directory: string, url: string): SavedManifest | undefined {
  const read = (name: string) => readBoundedFile('', join(directory, name), MANIFEST_SIZE_MAX);
  try {
    const meta = Meta.parse(JSON.parse(String(read(FILES.meta))));
    if (meta.url !== url) return undefined;
    const manifest = read(FILES.manifest);
    const signature = meta.signature ? read(FILES.signature) : undefined;
    if (!manifest || (meta.signature && !signature)) return undefined;
    return { meta, manifest, ...(signature ? { signature } : {}) };
  } catch {
    return undefined;
  }
}

/**
 * Saves a manifest that has been verified. Whoever cannot (an unprivileged reader) need not.
 */
export async function saveManifest(directory: string, saved: SavedManifest): Promise<void> {
  try {
    await write(directory, saved).catch(async (error: unknown) => {
      if (errorCode(error) !== 'EISDIR') throw error;
      // Somebody has made directories of the files.
      await removeTree(directory);
      await write(directory, saved);
    });
  } catch (error) {
    // It can be fetched again; a full or read-only disk is told where it matters.
    if (errorCode(error) === undefined) throw error;
  }
}

/** Staging may belong to somebody else: nothing is written through a link of theirs. */
function write(directory: string, saved: SavedManifest): Promise<void> {
  return inPinnedDirectory(directory, async (pinned) => {
    // The description goes last: a half-written set is one that does not match, and is fetched anew.
    await writeFileAtomic(join(pinned, FILES.manifest), saved.manifest);
    if (saved.signature) await writeFileAtomic(join(pinned, FILES.signature), saved.signature);
    await writeFileAtomic(join(pinned, FILES.meta), `${JSON.stringify(saved.meta)}\n`);
  });
}
