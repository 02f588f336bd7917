/** Reads the files of a directory that is published, wholly: their hashes, and what is in those that clients look into. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readBoundedFile } from '../os/bounded-file.ts';
import type { ManifestEntries } from '../source/manifest.ts';
import { readSidecar, SIDECAR_SIZE_MAX } from '../source/sidecar.ts';
import type { ImageVerdict } from './judge-image.ts';
import type { ReadFile } from './plan-publication.ts';
import { readPublished } from './read-image.ts';
import { ownSidecarName, readOwnSidecar } from './sidecars.ts';
import { hashSteadyFile, type SteadyFile } from './steady-file.ts';

/** What was read. */
export interface ReadFiles {
  readonly files: readonly ReadFile[];
  /** By name: what each of them was when it was hashed. */
  readonly steady: ReadonlyMap<string, SteadyFile>;
}

/**
 * Reads and judges files; what is wrong with one is in its verdict.
 * @param names regular files of the directory
 * @param listed the list that is there: what it says of its sidecars tells whether they are as publish wrote them
 * @throws StorageError, also for a file that changes while it is read; what the signal was aborted with
 */
export async function readFiles(
  directory: string,
  names: readonly string[],
  listed: ManifestEntries | undefined,
  signal: AbortSignal | undefined,
): Promise<ReadFiles> {
  const present = new Set(names);
  const asListed = (name: string) => (present.has(name) ? listed?.get(name) : undefined);
  const files: ReadFile[] = [];
  const steady = new Map<string, SteadyFile>();
  for (const name of names) {
    const file = await hashSteadyFile(directory, name, signal);
    steady.set(name, file);
    const { sha256, size } = file;
    const verdict =
      judgedBefore(directory, name, sha256, asListed) ?? (await readPublished(directory, name, file, signal));
    files.push({ name, sha256, size, verdict, sidecar: readSidecarFile(directory, name, size) });
  }
  return { files, steady };
}

/**
 * What publish found in a compressed image when it wrote its sidecar: unpacking it again would tell the same. One that is
 * not as it was listed may have been edited, and is not believed but held against the image.
 */
function judgedBefore(
  directory: string,
  name: string,
  sha256: string,
  asListed: (name: string) => string | undefined,
): ImageVerdict | undefined {
  const stem = /^(.+)\.raw\.[a-z0-9]+$/.exec(name)?.[1];
  const sidecar = stem === undefined ? '' : ownSidecarName(stem);
  const expected = asListed(sidecar);
  if (expected === undefined) return undefined;
  const bytes = readBoundedFile('', join(directory, sidecar), SIDECAR_SIZE_MAX);
  if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== expected) return undefined;
  const own = readOwnSidecar(bytes.toString('utf8'));
  if (own?.image !== name || own.sha256 !== sha256) return undefined;
  return { verdict: 'extension', releases: own.releases, notices: [] };
}

function readSidecarFile(directory: string, name: string, size: number): ReadFile['sidecar'] {
  if (!/\.(json|manifest|manifest\.gz)$/.test(name) || size > SIDECAR_SIZE_MAX) return undefined;
  const bytes = readBoundedFile('', join(directory, name), SIDECAR_SIZE_MAX);
  const facts = bytes && readSidecar(bytes);
  return facts && { facts, own: readOwnSidecar(bytes.toString('utf8')) };
}
