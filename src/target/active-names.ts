/** Which version of each transfer of a component counts as active: what systemd sees, and what goes with it. */
import { exposureOf } from '../resolve/exposure.ts';
import type { InstalledInstance, Transfer } from '../types.ts';
import { isSameVersion, newestFirst } from '../version/compare.ts';
import { shownName } from './active.ts';

/** A transfer, and what is installed of it. */
export interface Here {
  readonly transfer: Transfer;
  readonly installed: readonly InstalledInstance[];
}

/**
 * Names by id of the transfer. Where nothing shows a version, that of the other transfers counts; else the newest that
 * all of them have; else the newest.
 * @param architecture in systemd names; vpick looks at it
 * @param isWanted what nobody keeps out; other versions count only where there is nothing else
 */
export function activeNames(
  root: string,
  here: readonly Here[],
  architecture: string,
  isWanted: (version: string) => boolean,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const { transfer, installed } of here) {
    const name = shownName(root, transfer, installed, architecture);
    if (name !== undefined) names.set(transfer.id, name);
  }
  const hidden = here.filter(({ transfer }) => exposureOf(transfer).how === 'none');
  const version = shownVersion(here, names) ?? commonVersion(hidden, isWanted);
  for (const { transfer, installed } of hidden) {
    const sorted = [...installed].sort((a, b) => newestFirst(a.version, b.version));
    const active =
      sorted.find((one) => version !== undefined && isSameVersion(one.version, version)) ??
      sorted.find((one) => isWanted(one.version)) ??
      sorted[0];
    if (active) names.set(transfer.id, active.name);
  }
  return names;
}

/** The version that all transfers show that show any. */
function shownVersion(here: readonly Here[], names: ReadonlyMap<string, string>): string | undefined {
  const versions = here.flatMap(
    ({ transfer, installed }) => installed.find(({ name }) => name === names.get(transfer.id))?.version ?? [],
  );
  const [first] = versions;
  return first !== undefined && versions.every((version) => isSameVersion(version, first)) ? first : undefined;
}

/** The newest wanted version that all of them have. */
function commonVersion(here: readonly Here[], isWanted: (version: string) => boolean): string | undefined {
  const [first, ...others] = here;
  const has = ({ installed }: Here, version: string) => installed.some((one) => isSameVersion(one.version, version));
  return [...(first?.installed ?? [])]
    .map(({ version }) => version)
    .sort(newestFirst)
    .find((version) => isWanted(version) && others.every((other) => has(other, version)));
}
