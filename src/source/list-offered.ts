/** Manifest entries and patterns in, offered versions out. Pure. */
import { TrustError } from '../errors.ts';
import { urlOf } from '../fetch/url.ts';
import type { OfferedInstance, Transfer } from '../types.ts';
import { EMPTY_SHA256, type Manifest, type ManifestEntries } from './manifest.ts';
import { newestOnly } from './newest-only.ts';
import { pickNames } from './pick-names.ts';

/** Versions of one transfer that are considered, the newest ones. */
export const VERSIONS_MAX = 250;

/** Suffixes of compression that sysupdate undoes. */
export const compressionSuffix = /\.(xz|gz|zst|bz2|lz4)$/;

/** Signatures and keys beside payloads: only a pattern that says so in its text takes them. */
const besidePayloads = /\.(sig|asc|gpg|pgp)$/;

/**
 * The versions of one transfer.
 * @param sidecarPatterns names of sidecar manifests, with `@f` for the image's name
 * @throws TrustError for an image whose hash is that of nothing
 */
export function listOffered(
  transfer: Transfer,
  manifest: Manifest,
  baseUrl: string,
  sidecarPatterns: readonly string[],
): OfferedInstance[] {
  const { entries } = manifest;
  const names = [...entries.keys()].filter((name) => !/(^|\/)SHA256SUMS[^/]*$/.test(name));
  const picked = pickNames(transfer.source.patterns, names).filter(
    ({ fields }) => !besidePayloads.test(fields.version),
  );
  return newestOnly(picked, ({ fields }) => fields.version, VERSIONS_MAX).flatMap(({ name: found, fields }) => {
    const listed = entries.get(found);
    if (listed === undefined) return [];
    const name = detached(found);
    const sha256 = detached(listed);
    if (sha256 === EMPTY_SHA256 || /^0+$/.test(sha256)) {
      throw new TrustError(`${baseUrl}/SHA256SUMS: ${name}: the hash is that of an empty file`, {
        next: 'tell the publisher: the list was made of files that were not there yet',
      });
    }
    return {
      transferId: transfer.id,
      version: detached(fields.version),
      name,
      location: urlOf(baseUrl, name),
      sha256,
      fields: { ...fields, version: detached(fields.version) },
      sidecars: sidecarsOf(name, entries, baseUrl, sidecarPatterns),
    };
  });
}

/** What describes an image, of the files of the same list. */
export function sidecarsOf(
  image: string,
  entries: ManifestEntries,
  baseUrl: string,
  patterns: readonly string[],
): OfferedInstance['sidecars'] {
  const slash = image.lastIndexOf('/') + 1;
  const directory = image.slice(0, slash);
  const stem = image
    .slice(slash)
    .replace(compressionSuffix, '')
    .replace(/\.raw$/, '');
  return patterns.flatMap((pattern) => {
    const name = directory + pattern.replaceAll('@f', stem);
    const sha256 = entries.get(name);
    return sha256 === undefined ? [] : [{ name, url: urlOf(baseUrl, name), sha256: detached(sha256) }];
  });
}

/** A copy: a part of a string keeps the whole of it in memory, here the list. */
function detached(text: string): string {
  return Buffer.from(text).toString();
}
