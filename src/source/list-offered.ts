/** Manifest entries and patterns in, offered versions out. Pure. */
import { TrustError } from '../errors.ts';
import { urlOf } from '../fetch/url.ts';
import type { OfferedInstance, Transfer } from '../types.ts';
import { EMPTY_SHA256, type Manifest, type ManifestEntry } from './manifest.ts';
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
  const byName = new Map(manifest.entries.map((entry) => [entry.name, entry]));
  const names = [...byName.keys()].filter((name) => !/(^|\/)SHA256SUMS[^/]*$/.test(name));
  const picked = pickNames(transfer.source.patterns, names).filter(
    ({ fields }) => !besidePayloads.test(fields.version),
  );
  return newestOnly(picked, ({ fields }) => fields.version, VERSIONS_MAX).flatMap(({ name: found, fields }) => {
    const listed = byName.get(found);
    if (!listed) return [];
    const entry = { name: detached(found), sha256: detached(listed.sha256) };
    const { name } = entry;
    if (entry.sha256 === EMPTY_SHA256 || /^0+$/.test(entry.sha256)) {
      throw new TrustError(`${baseUrl}/SHA256SUMS: ${name}: the hash is that of an empty file`, {
        next: 'tell the publisher: the list was made of files that were not there yet',
      });
    }
    return {
      transferId: transfer.id,
      version: detached(fields.version),
      name,
      location: urlOf(baseUrl, name),
      sha256: entry.sha256,
      fields: { ...fields, version: detached(fields.version) },
      sidecars: sidecarsOf(entry, byName, baseUrl, sidecarPatterns),
    };
  });
}

function sidecarsOf(
  entry: ManifestEntry,
  byName: ReadonlyMap<string, ManifestEntry>,
  baseUrl: string,
  patterns: readonly string[],
): OfferedInstance['sidecars'] {
  const slash = entry.name.lastIndexOf('/') + 1;
  const directory = entry.name.slice(0, slash);
  const stem = entry.name
    .slice(slash)
    .replace(compressionSuffix, '')
    .replace(/\.raw$/, '');
  return patterns.flatMap((pattern) => {
    const found = byName.get(directory + pattern.replaceAll('@f', stem));
    return found ? [{ name: found.name, url: urlOf(baseUrl, found.name), sha256: found.sha256 }] : [];
  });
}

/** A copy: a part of a string keeps the whole of it in memory, here the list. */
function detached(text: string): string {
  return Buffer.from(text).toString();
}
