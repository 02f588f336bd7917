/** Removes versions that nothing needs any more, after everything else has succeeded. */
import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTemporaryName, syncDirectory } from '../os/atomic-file.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { storageError } from '../os/storage-error.ts';
import { PARKED } from '../resolve/exposure.ts';
import { decideKeep, type KeepDecision } from '../resolve/keep.ts';
import type { System } from '../system.ts';
import { activeName } from '../target/active.ts';
import { listInstalled } from '../target/list-installed.ts';
import { instancePath, stateKey } from '../target/paths.ts';
import type { Component, Transfer } from '../types.ts';
import type { DoneAction } from '../work.ts';

/** What an interrupted download left is kept for a later run, for so many milliseconds. */
const STAGED_AGE_MAX = 7 * 24 * 3600 * 1000;

/** Whether a file of a transfer stays. */
export type FileDecision = KeepDecision & { readonly transfer: Transfer };

/** Decides for every instance of a component, in the state that the disk is in now. */
export async function decideForComponent(
  system: System,
  state: State,
  place: string,
  component: Component,
): Promise<FileDecision[]> {
  const decisions = await Promise.all(
    component.transfers.map(async (transfer) => {
      const installed = await listInstalled(place, transfer, state, { readImages: false });
      const active = activeName(place, transfer, installed, system.host.release.architecture);
      const { protectVersions, target } = transfer;
      const previous = state.previous[component.name];
      const decided = decideKeep({ installed, active, previous, protectVersions, instancesMax: target.instancesMax });
      return decided.map((decision) => ({ ...decision, transfer }));
    }),
  );
  return decisions.flat();
}

/** Removes what {@link decideForComponent} does not keep. @returns the decisions @throws StorageError */
export async function removeUnneeded(
  system: System,
  state: State,
  place: string,
  component: Component,
  done: DoneAction[],
): Promise<FileDecision[]> {
  const decisions = await decideForComponent(system, state, place, component);
  for (const { keep, instance, transfer, reason } of decisions) {
    if (keep) continue;
    const path = resolveInRoot(place, instancePath(transfer, instance), false);
    try {
      await rm(path);
      await syncDirectory(dirname(path));
    } catch (error) {
      throw storageError(instancePath(transfer, instance), error);
    }
    delete state.installed[stateKey(transfer, instance.name)];
    done.push({ component: component.name, action: 'remove', version: instance.version, from: null });
    system.options.reporter.step(component.name, `removed ${instance.version}: ${reason}`);
  }
  for (const { target } of component.transfers) {
    await removeTemporary(resolveInRoot(place, target.path));
    if (target.currentSymlink) await removeTemporary(resolveInRoot(place, dirname(target.currentSymlink)));
  }
  return decisions;
}

/** Our own temporary files of runs that were killed; the lock says that no other run is at work. */
async function removeTemporary(directory: string): Promise<void> {
  for (const parent of [directory, join(directory, PARKED)]) {
    for (const name of namesIn(parent).filter(isTemporaryName)) await rm(join(parent, name), { force: true });
  }
}

/**
 * What killed runs left in extupdate's own directories: temporary files, and payloads that nobody has wanted for a week.
 * The locks say that no other run is at work.
 */
export async function removeLeftovers(system: System): Promise<void> {
  const { directory } = system.staging;
  const unpacked = dirname(system.staging.unpacked('x'));
  const lists = namesIn(join(directory, 'manifests')).map((name) => join(directory, 'manifests', name));
  for (const parent of [dirname(directory), directory, unpacked, ...lists]) {
    for (const name of namesIn(parent).filter(isTemporaryName)) await rm(join(parent, name), { force: true });
  }
  await removeStale(system, unpacked);
}

async function removeStale(system: System, unpacked: string): Promise<void> {
  for (const directory of [system.staging.directory, unpacked]) {
    for (const name of namesIn(directory).filter((entry) => /^[0-9a-f]{64}(\.partial)?$/.test(entry))) {
      const path = join(directory, name);
      const age = system.now.getTime() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (directory !== unpacked && age < STAGED_AGE_MAX) continue;
      await rm(path, { force: true });
    }
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
