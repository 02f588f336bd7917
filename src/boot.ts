/** What a boot means: which OS runs, whether an update of it failed before, and whether this boot is good. */

import { reportOf } from './errors.ts';
import { readBoots, writeBoots } from './os/boot-history.ts';
import { readRecords } from './os/records.ts';
import { type State, writeState } from './os/state.ts';
import { addBoot, type Boot, blessBoot, cameInWith, failedPlans, failedUpdates } from './resolve/boots.ts';
import { recordOf } from './resolve/needed-files.ts';
import { identityOf, rememberedFields } from './resolve/os-identity.ts';
import type { System } from './system.ts';

/**
 * Takes note of the present boot, once. On the way back from an OS update that failed, what came in with it is kept out
 * of this OS until something newer appears or a person releases it (design: the OS moves).
 * @returns whether the boot was new, so that `state` may have changed
 */
export async function noteBoot(system: System, state: State): Promise<boolean> {
  try {
    return await noteNewBoot(system, state);
  } catch (error) {
    // A full or read-only disk must not keep anything from being selected, nor room from being made.
    system.options.reporter.warning('', `this boot cannot be noted: ${reportOf(error).message}`);
    return false;
  }
}

async function noteNewBoot(system: System, state: State): Promise<boolean> {
  const { root } = system.options;
  if (system.bootId === '') return false;
  const boots = readBoots(root, true);
  const after = addBoot(boots, presentBoot(system));
  if (after === boots) return false;
  holdFailed(system, state, boots);
  state.prepared = state.prepared.filter((name) => name !== system.os.name && name !== system.os.identity);
  // The hold first: once the boot is noted, nobody looks again.
  await writeState(root, state);
  await writeBoots(root, after);
  return true;
}

/** Marks the present boot as good: it has reached `boot-complete.target`. @throws StorageError */
export async function blessPresentBoot(system: System): Promise<void> {
  const { root } = system.options;
  if (system.bootId === '') return;
  const present = presentBoot(system);
  await writeBoots(root, blessBoot(addBoot(readBoots(root, true), present), present));
}

function presentBoot({ os, bootId }: System): Boot {
  return {
    os: os.name,
    bootId,
    blessed: false,
    deployment: os.deployment ?? null,
    release: { ...rememberedFields(os.release.fields) },
  };
}

/** Keeps out of this OS what came in with an update of it that failed, and what kept a boot of it from being good. */
function holdFailed(system: System, state: State, boots: readonly Boot[]): void {
  const { os } = system;
  const records = readRecords(system.options.root, false);
  const present = recordOf(records, os);
  for (const name of failedUpdates(boots, os.name)) {
    // It may have died before its record got the name of its deployment.
    const record = recordOf(records, { name, identity: identityOf(name) });
    for (const [component, version] of record ? cameInWith(record, present) : []) {
      holdHere(system, state, component, version, `came in with an OS update that failed (${name})`);
    }
  }
  for (const [component, version] of failedPlans(boots, os.name, present)) {
    holdHere(system, state, component, version, 'was there for the first time in a boot that failed');
  }
}

function holdHere({ os, options }: System, state: State, component: string, version: string, why: string): void {
  const held = state.heldFor[os.identity] ?? {};
  held[component] = [...new Set([...(held[component] ?? []), version])];
  state.heldFor[os.identity] = held;
  options.reporter.notice(component, `${version} ${why}; it is held for this OS until something newer appears`);
}
