/** Manifest entries and patterns in, offered versions out. Pure. */
import { TrustError } from '../errors.ts';
import { urlOf } from '../fetch/url.ts';
import type { OfferedInstance, Transfer } from '../types.ts';
import { matchPattern } from '../version/pattern.ts';
import { EMPTY_SHA256, type Manifest, type ManifestEntry } from './manifest.ts';

/** Suffixes of compression that sysupdate undoes. */
export const compressionSuffix = /\.(xz|gz|zst|bz2|lz4)$/;

/**
 * The versions of one transfer. Of several files with the same version the one that an earlier pattern matches counts,
 * then the one whose name sorts first, so the order of the list never matters.
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
  const best = new Map<string, { rank: number; instance: OfferedInstance }>();
  for (const entry of manifest.entries) {
    if (entry.name.startsWith('SHA256SUMS')) continue;
    const rank = transfer.source.patterns.findIndex((pattern) => matchPattern(pattern, entry.name) !== undefined);
    const pattern = transfer.source.patterns[rank];
    const fields = pattern && matchPattern(pattern, entry.name);
    if (!fields) continue;
    if (entry.sha256 === EMPTY_SHA256 || /^0+$/.test(entry.sha256)) {
      throw new TrustError(`${baseUrl}/SHA256SUMS: ${entry.name}: the hash is that of an empty file`);
    }
    const known = best.get(fields.version);
    if (known && (known.rank < rank || (known.rank === rank && known.instance.name <= entry.name))) continue;
    const instance: OfferedInstance = {
      transferId: transfer.id,
      version: fields.version,
      name: entry.name,
      url: urlOf(baseUrl, entry.name),
      sha256: entry.sha256,
      sidecars: sidecarsOf(entry, byName, baseUrl, sidecarPatterns),
      ...(fields.mode === undefined ? {} : { mode: fields.mode }),
      ...(fields.mtime === undefined ? {} : { mtime: fields.mtime }),
    };
    best.set(fields.version, { rank, instance });
  }
  return [...best.values()].map(({ instance }) => instance);
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
