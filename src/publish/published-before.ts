/** What a directory published until now: its list and its signatures. */
import { join } from 'node:path';
import { readBoundedFile } from '../os/bounded-file.ts';
import { MANIFEST_SIZE_MAX, type ManifestEntries, parseManifest, signatureNames } from '../source/manifest.ts';
import { SIGNATURE_SIZE_MAX } from '../verify/signature.ts';
import { LIST_NAME } from './file-names.ts';

/** What clients have got until now. */
export interface PublishedBefore {
  readonly list: Buffer | undefined;
  /** Undefined where there was no list, or none that clients could read. */
  readonly entries: ManifestEntries | undefined;
  /** Why the list cannot be read. */
  readonly defect: string | undefined;
  /** All signatures that are there, by name. */
  readonly signatures: ReadonlyMap<string, Buffer>;
}

/**
 * Reads the list and its signatures; a list that cannot be read as one is no error.
 * @param names what is in the directory
 * @throws StorageError for a file that cannot be read, or is larger than clients take
 */
export function readPublishedBefore(directory: string, names: ReadonlySet<string>): PublishedBefore {
  const read = (name: string, maxBytes: number) =>
    names.has(name) ? readBoundedFile('', join(directory, name), maxBytes) : undefined;
  const signatures = new Map<string, Buffer>();
  for (const name of signatureNames) {
    const bytes = read(name, SIGNATURE_SIZE_MAX);
    if (bytes) signatures.set(name, bytes);
  }
  const list = read(LIST_NAME, MANIFEST_SIZE_MAX);
  if (list === undefined) return { list, signatures, entries: undefined, defect: undefined };
  try {
    return { list, signatures, entries: parseManifest(list, LIST_NAME).entries, defect: undefined };
  } catch (error) {
    return { list, signatures, entries: undefined, defect: (error as Error).message };
  }
}
