/** Every version of a component that is offered or here, in whichever spelling. Pure. */
import type { InstalledInstance, OfferedInstance } from '../types.ts';
import { isSameVersion, newestFirst } from '../version/compare.ts';

import type { ResolveInput } from './resolver.ts';

/** One version, and what there is of it, by transfer. */
export interface CollectedVersion {
  version: string;
  readonly offered: Map<string, OfferedInstance>;
  readonly installed: Map<string, InstalledInstance>;
}

/** Brings together what is offered and what is installed of each version, the newest first. */
export function collectVersions(input: ResolveInput): CollectedVersion[] {
  const versions = new Map<string, CollectedVersion>();
  const spellings = [...input.installed, ...input.offered].map(({ version }) => version);
  let last: CollectedVersion | undefined;
  for (const spelling of [...new Set(spellings)].sort(newestFirst)) {
    if (!last || !isSameVersion(last.version, spelling)) {
      last = { version: spelling, offered: new Map(), installed: new Map() };
    }
    versions.set(spelling, last);
  }
  // Of several spellings of one version the one that is here counts, then the file whose name sorts first.
  for (const { version } of [...input.installed].reverse()) {
    const known = versions.get(version);
    if (known) known.version = version;
  }
  for (const instance of [...input.offered].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const known = versions.get(instance.version);
    if (!known?.offered.has(instance.transferId)) known?.offered.set(instance.transferId, instance);
  }
  for (const instance of input.installed) {
    const known = versions.get(instance.version);
    // A damaged file that is offered anew counts as missing, so that it is repaired.
    const offered = known?.offered.get(instance.transferId);
    if (instance.facts?.defect !== undefined && offered) continue;
    if (input.acceptRepublished && offered && isOther(offered, instance)) continue;
    known?.installed.set(instance.transferId, instance);
  }
  return [...new Set(versions.values())];
}

/** Whether an image was made from something else than what is offered under its version. */
export function isOther(offered: OfferedInstance, { sha256 }: InstalledInstance): boolean {
  return sha256 !== undefined && sha256 !== offered.sha256;
}
