/** What `remove` would do: found out before anything is changed, so that a person can be asked. */

import { mergesHere } from '../apply/activate-set.ts';
import { DEFAULT_COMPONENT } from '../definition/candidates.ts';
import { renderProblem } from '../definition/load.ts';
import { ConfigError, UnknownComponentError, UsageError } from '../errors.ts';
import { collectNeeds } from '../needs.ts';
import { readRecords } from '../os/records.ts';
import type { State } from '../os/state.ts';
import { imageNameOf } from '../resolve/exposure.ts';
import { findUses } from '../services/find-uses.ts';
import type { System } from '../system.ts';
import { isRemembered } from './forget.ts';
import { gatherDefinitions } from './gather-definitions.ts';
import { type InstalledPart, installedParts, transfersOf } from './installed-parts.ts';
import { type DefinitionChange, planDefinitions } from './plan-definitions.ts';
import { readUnitNames } from './unit-names.ts';

export interface RemovalOptions {
  /** Whether definitions that a person has written go, too. */
  readonly purge: boolean;
  /** Whether what is installed stays. */
  readonly keepFiles: boolean;
}

/** What goes with a component. */
export interface Removal {
  readonly component: string;
  readonly parts: readonly InstalledPart[];
  readonly definitions: readonly DefinitionChange[];
  /** Running services that mount an image of it themselves. */
  readonly services: readonly string[];
  /** Names of the unit files in the images that systemd sees. */
  readonly units: readonly string[];
  /** Whether the state or records of OSes name it. */
  readonly isRemembered: boolean;
}

/**
 * Plans the removal of components.
 * @param system in which they are unwanted (`RunOptions.unwanted`)
 * @throws UsageError for what does not exist or is not ours; ConfigError for definitions that cannot be read
 */
export async function planRemovals(
  system: System,
  state: State,
  names: readonly string[],
  { purge, keepFiles }: RemovalOptions,
): Promise<Removal[]> {
  const { root, definitions } = system.options;
  for (const name of names) requireRemovable(system, state, name, keepFiles);
  const systems = keepFiles ? [] : [system, ...(await collectNeeds(system, state)).elsewhere];
  const removals: Removal[] = [];
  for (const component of names) {
    const transfers = transfersOf(
      systems.flatMap((one) => one.definitions.components),
      component,
    );
    const parts = await installedParts(root, transfers, state, system.host.release.architecture);
    const gathered = gatherDefinitions({ root, definitions }, component);
    const changes = planDefinitions({ ...gathered, purge });
    requireSomeWay(component, changes, gathered.disableFile);
    const uses = mergesHere(system)
      ? await findUses(state, [{ name: component, transfers }], system.host.release.architecture)
      : [];
    removals.push({
      component,
      parts,
      definitions: changes,
      services: [...new Set(uses.map(({ unit }) => unit.name))],
      units: mergesHere(system) ? await readUnitNames(parts) : [],
      isRemembered: isRemembered(state, readRecords(root, false), component),
    });
  }
  return removals;
}

/** The names under which systemd merges what it sees of a component. */
export function mergedAs({ parts }: Removal): { readonly kind: 'sysext' | 'confext'; readonly name: string }[] {
  return parts.flatMap(({ transfer, shown }) => {
    const { kind } = transfer;
    if (!shown || (kind !== 'sysext' && kind !== 'confext')) return [];
    return { kind, name: imageNameOf(transfer, shown.name) };
  });
}

/** Only what a person has written is there, and it cannot be switched off. @throws UsageError */
function requireSomeWay(
  component: string,
  changes: readonly DefinitionChange[],
  disableFile: string | undefined,
): void {
  const kept = changes.find(({ action }) => action === 'keep');
  const isStuck = kept !== undefined && disableFile === undefined && changes.every(({ action }) => action === 'keep');
  if (!isStuck) return;
  throw new UsageError(`${component}: ${kept.file} was written by hand`, { next: '--purge deletes it' });
}

function requireRemovable({ definitions, options }: System, state: State, name: string, keepFiles: boolean): void {
  if (name === DEFAULT_COMPONENT) {
    throw new UsageError(`${name} is what sysupdate.d/ defines, mostly the OS itself: it is not removed`, {
      next: 'what is in it is for whoever has put it there',
    });
  }
  const left = definitions.left.find((one) => one.name === name);
  if (left) {
    throw new UsageError(`${name} is left to systemd-sysupdate, ${left.reason}`, {
      next: `remove its definitions by hand; "systemd-sysupdate -C ${name} vacuum" removes files`,
    });
  }
  const broken = definitions.broken.find((one) => one.name === name);
  if (broken && !keepFiles) {
    throw new ConfigError(broken.problems.map(renderProblem).join('\n'), {
      next: 'what is installed of it is not known before that is mended; --keep-files takes the definition away alone',
    });
  }
  const known = definitions.known.find((one) => one.name === name);
  if (broken || known?.hasTransfers) return;
  if (known) throw new UsageError(`${name} has no transfers`, { next: 'there is nothing to remove' });
  if (isRemembered(state, readRecords(options.root, false), name)) return;
  throw new UnknownComponentError(
    name,
    definitions.known.map((one) => one.name),
  );
}
