/** What differs between two programs that were told the same. */
import type { Observation } from './observation.ts';
import { type Entry, renderEntry } from './tree.ts';
import { isNamedTime } from './vocabulary.ts';

export type Difference =
  | { readonly what: 'succeeded'; readonly systemd: boolean; readonly extupdate: boolean }
  | { readonly what: 'candidate'; readonly systemd: string | null; readonly extupdate: string | null }
  | { readonly what: 'versions'; readonly systemd: readonly string[]; readonly extupdate: readonly string[] }
  | { readonly what: 'current'; readonly systemd: string | null; readonly extupdate: string | null }
  | {
      readonly what: 'file';
      readonly path: string;
      readonly systemd: Entry | undefined;
      readonly extupdate: Entry | undefined;
    };

/** @returns how many things were compared, and what differs */
export function compare(
  systemd: Observation,
  extupdate: Observation,
): { readonly count: number; readonly differences: Difference[] } {
  const differences: Difference[] = [];
  let count = 1;
  if (systemd.succeeded !== extupdate.succeeded) {
    differences.push({ what: 'succeeded', systemd: systemd.succeeded, extupdate: extupdate.succeeded });
  }
  if (systemd.candidate !== undefined && extupdate.candidate !== undefined) {
    count += 1;
    const [one, other] = [systemd.candidate, extupdate.candidate];
    if (one !== other) differences.push({ what: 'candidate', systemd: one, extupdate: other });
  }
  if (systemd.listed && extupdate.listed) {
    count += 2;
    const [one, other] = [systemd.listed, extupdate.listed];
    if (one.versions.join(' ') !== other.versions.join(' ')) {
      differences.push({ what: 'versions', systemd: one.versions, extupdate: other.versions });
    }
    if (one.current !== other.current) {
      differences.push({ what: 'current', systemd: one.current, extupdate: other.current });
    }
  }
  for (const path of new Set([...systemd.files.keys(), ...extupdate.files.keys()])) {
    count += 1;
    const [one, other] = [systemd.files.get(path), extupdate.files.get(path)];
    if (isSame(one, other)) continue;
    differences.push({ what: 'file', path, systemd: one, extupdate: other });
  }
  return { count, differences };
}

/** Times count where a name tells them (`@t`): others are those of the download, or of the server's file. */
function isSame(one: Entry | undefined, other: Entry | undefined): boolean {
  if (one?.kind !== other?.kind || one?.content !== other?.content || one?.mode !== other?.mode) return false;
  const isTold = isNamedTime(one?.mtime) || isNamedTime(other?.mtime);
  return (one?.kind !== 'file' && one?.kind !== 'tree') || !isTold || one.mtime === other?.mtime;
}

/** A difference in a few lines. */
export function renderDifference(difference: Difference): string {
  const { what, systemd, extupdate } = difference;
  if (what === 'file') {
    const times =
      systemd && extupdate && renderEntry(systemd) === renderEntry(extupdate)
        ? ` (${systemd.mtime} and ${extupdate.mtime})`
        : '';
    return `${difference.path}: systemd-sysupdate ${renderEntry(systemd)}, extupdate ${renderEntry(extupdate)}${times}`;
  }
  return `${what}: systemd-sysupdate ${JSON.stringify(systemd)}, extupdate ${JSON.stringify(extupdate)}`;
}
