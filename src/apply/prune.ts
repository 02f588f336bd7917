/** Removes versions that nothing needs any more, after everything else has succeeded. */
import { lstatSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eachPlanned } from '../each-work.ts';
import { collectNeeds, type KnownNeeds } from '../needs.ts';
import { syncDirectory } from '../os/atomic-file.ts';
import { readRecords, removeRecord } from '../os/records.ts';
import { namesIn, removeTemporaries, removeTree } from '../os/remove-tree.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { storageError } from '../os/storage-error.ts';
import { PARKED } from '../resolve/exposure.ts';
import { decideElsewhere, decideKeep, decideTurnedOff, type KeepDecision } from '../resolve/keep.ts';
import { obsoleteRecords } from '../resolve/needed-files.ts';
import { resolveSurvey, surveyAll, wantedIn } from '../survey.ts';
import type { System } from '../system.ts';
import { shownName } from '../target/active.ts';
import { activeNames } from '../target/active-names.ts';
import { listInstalled } from '../target/list-installed.ts';
import { matchOwn } from '../target/ownership.ts';
import { instancePath } from '../target/paths.ts';
import type { Component, Transfer } from '../types.ts';
import { newestFirst } from '../version/compare.ts';
import type { DoneAction, Work } from '../work.ts';
import { turnedOffComponents } from './hide-turned-off.ts';
import { isWithdrawn } from './hide-withdrawn.ts';

/** What an interrupted download left is kept for a later run, for so many milliseconds. */
const STAGED_AGE_MAX = 7 * 24 * 3600 * 1000;

/** Whether a file of a transfer stays. */
export type FileDecision = KeepDecision & { readonly transfer: Transfer };

/** Decides for every file of a component, whichever OS it is for, in the state that the disk is in now. */
export async function decideForComponent(
  system: System,
  state: State,
  place: string,
  component: Component,
  needs: KnownNeeds,
): Promise<FileDecision[]> {
  const decisions: FileDecision[] = [];
  const { architecture } = system.host.release;
  const here = [];
  for (const transfer of component.transfers) {
    const installed = await listInstalled(place, transfer, state, { readImages: false });
    here.push({ transfer, installed });
  }
  const names = activeNames(place, here, architecture, wantedIn(system, state, component.name));
  const isBehind = here.some(({ transfer, installed }) => {
    const version = installed.find(({ name }) => name === names.get(transfer.id))?.version;
    return installed.some((one) => version === undefined || newestFirst(one.version, version) < 0);
  });
  const waiting = isBehind ? await waitingVersion(system, state, component) : undefined;
  for (const { transfer, installed } of here) {
    const decided = decideKeep({
      installed,
      active: names.get(transfer.id),
      previous: state.previous[component.name],
      waiting,
      protectVersions: transfer.protectVersions,
      unwanted: component.settings.onWithdrawn === 'remove' ? (state.withdrawn[component.name] ?? []) : [],
      instancesMax: transfer.target.instancesMax,
      needs,
    });
    decisions.push(...decided.map((decision) => ({ ...decision, transfer })));
  }
  for (const transfer of component.disabledTransfers) {
    const all = await listInstalled(place, transfer, state, { readImages: false });
    const installed = all.filter(({ name }) => !isWantedByOther(system, transfer, name));
    const active = shownName(place, transfer, installed, architecture);
    decisions.push(...decideTurnedOff(installed, active, needs).map((decision) => ({ ...decision, transfer })));
  }
  const activeHere = new Set(names.values());
  const known = new Set(decisions.map(({ instance }) => instance.path));
  for (const transfer of elsewhereTransfers(needs, component.name)) {
    const installed = await listInstalled(place, transfer, state, { readImages: false });
    const others = installed.filter(({ path }) => !known.has(path));
    for (const { path } of others) known.add(path);
    decisions.push(...decideElsewhere(others, needs, activeHere).map((decision) => ({ ...decision, transfer })));
  }
  return decisions;
}

/** Whether a transfer that is on takes the file for its own, too. */
function isWantedByOther({ definitions }: System, { target }: Transfer, name: string): boolean {
  const others = definitions.components.flatMap(({ transfers }) => transfers);
  return others.some((other) => other.target.path === target.path && matchOwn(other, name) !== undefined);
}

/** The version that the next run would make visible: one that waits for a person, or that a killed run has installed. */
async function waitingVersion(system: System, state: State, component: Component): Promise<string | undefined> {
  const definitions = { ...system.definitions, components: [component] };
  const [survey] = await surveyAll({ ...system, definitions }, state, { sources: false });
  return survey && resolveSurvey(system, state, survey).chosen?.version;
}

/** Removes what {@link decideForComponent} does not keep. @returns the decisions @throws StorageError */
export async function removeUnneeded(
  system: System,
  state: State,
  place: string,
  component: Component,
  needs: KnownNeeds,
  done: DoneAction[],
): Promise<FileDecision[]> {
  const decisions = await decideForComponent(system, state, place, component, needs);
  for (const decision of decisions)
    if (!decision.keep) await removeFile(system, state, place, component, decision, done);
  for (const { target } of [...component.transfers, ...component.disabledTransfers]) {
    await removeTemporary(resolveInRoot(place, target.path));
    if (target.currentSymlink) await removeTemporary(resolveInRoot(place, dirname(target.currentSymlink)));
  }
  return decisions;
}

/** Removes one file, and what is remembered of it. @throws StorageError */
export async function removeFile(
  system: System,
  state: State,
  place: string,
  component: Pick<Component, 'name'>,
  { instance, transfer, reason }: FileDecision,
  done: DoneAction[],
): Promise<void> {
  const path = resolveInRoot(place, instancePath(transfer, instance), false);
  try {
    await removeTree(path);
    await removeEmptyParents(resolveInRoot(place, transfer.target.path), path);
  } catch (error) {
    throw storageError(instancePath(transfer, instance), error);
  }
  delete state.installed[instance.path];
  done.push({ component: component.name, action: 'remove', version: instance.version, from: null });
  system.options.reporter.step(component.name, `removed ${instance.version}: ${reason}`);
}

/** Directories that a pattern has made (sysupdate.d(5)): they go with the last file in them. */
async function removeEmptyParents(directory: string, path: string): Promise<void> {
  for (let parent = dirname(path); parent.startsWith(`${directory}/`); parent = dirname(parent)) {
    if (parent === join(directory, PARKED) || namesIn(parent).length > 0) return;
    await rmdir(parent);
    await syncDirectory(dirname(parent));
  }
}

/** Prunes what a run leaves over; a component that failed keeps all it has. */
export async function pruneAll(
  system: System,
  state: State,
  place: string,
  works: readonly Work[],
  done: DoneAction[],
): Promise<void> {
  const needs = await collectNeeds(system, state);
  await eachPlanned(works, async ({ survey }) => {
    await removeUnneeded(system, state, place, survey.component, needs, done);
  });
  const withdrawn = works.filter(isWithdrawn).map(({ survey: { component } }) => component);
  for (const component of [...turnedOffComponents(system), ...withdrawn]) {
    await removeUnneeded(system, state, place, component, needs, done);
  }
  if (works.every(({ error, plan }) => plan && !error)) await forgetOses(system, state, needs);
}

/** Forgets OSes that cannot be booted any more, once nothing of theirs is left. */
export async function forgetOses(system: System, state: State, { bootable }: KnownNeeds): Promise<void> {
  const { root, components } = system.options;
  if (components.length > 0) return;
  for (const name of obsoleteRecords(bootable, readRecords(root, false))) await removeRecord(root, name);
  const identities = new Set(bootable.oses.map(({ identity }) => identity));
  for (const identity of Object.keys(state.heldFor))
    if (bootable.certain && !identities.has(identity)) delete state.heldFor[identity];
}

/** Components that only other OSes define, by the definitions in their own trees; without transfers on this one. */
export function foreignComponents({ definitions }: System, { elsewhere }: KnownNeeds): Component[] {
  // What is broken or turned off here keeps all it has.
  const { components, broken, left, disabled } = definitions;
  const own = new Set([...[...components, ...broken, ...left].map(({ name }) => name), ...disabled]);
  const foreign = elsewhere.flatMap((system) => system.definitions.components.filter(({ name }) => !own.has(name)));
  return [...new Map(foreign.map((component) => [component.name, { ...component, transfers: [] }])).values()];
}

/** The transfers of a component as other OSes have them: `%w` and its like lead to other names there. */
function elsewhereTransfers({ elsewhere }: KnownNeeds, component: string): Transfer[] {
  return elsewhere.flatMap(({ definitions }) =>
    definitions.components.flatMap(({ name, transfers }) => (name === component ? transfers : [])),
  );
}

/** Our own temporary files of runs that were killed; the lock says that no other run is at work. */
async function removeTemporary(directory: string): Promise<void> {
  for (const parent of [directory, join(directory, PARKED)]) await removeTemporaries(parent);
}

/**
 * What killed runs left in extupdate's own directories: temporary files, and payloads that nobody has wanted for a week.
 * The locks say that no other run is at work.
 */
export async function removeLeftovers(system: System): Promise<void> {
  const { home, directory } = system.staging;
  const unpacked = dirname(system.staging.unpacked('x'));
  const lists = namesIn(join(directory, 'manifests')).map((name) => join(directory, 'manifests', name));
  const own = [home, join(home, 'os'), join(home, 'sources'), directory, unpacked, ...lists];
  for (const parent of own) await removeTemporaries(parent);
  await removeStale(system, unpacked);
}

async function removeStale(system: System, unpacked: string): Promise<void> {
  for (const directory of [system.staging.directory, unpacked]) {
    for (const name of namesIn(directory).filter((entry) => /^[0-9a-f]{64}(\.partial)?$/.test(entry))) {
      const path = join(directory, name);
      const age = system.now.getTime() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (directory !== unpacked && age < STAGED_AGE_MAX) continue;
      await removeTree(path);
    }
  }
}
