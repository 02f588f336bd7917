/** What a boot means: which OS runs, whether an update of it failed before, and whether this boot is good. */

import { reportOf } from './errors.ts';
import { readBoots, writeBoots } from './os/boot-history.ts';
import { readRecords } from './os/records.ts';
import { type State, writeState } from './os/state.ts';
import { addBoot, type Boot, blessBoot, cameInWith, failedUpdates } from './resolve/boots.ts';
import { recordOf } from './resolve/needed-files.ts';
import { rememberedFields } from './resolve/os-identity.ts';
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
    system.options.reporter.notice('', `this boot cannot be noted: ${reportOf(error).message}`);
    return false;
  }
}

async function noteNewBoot(system: System, state: State): Promise<boolean> {
  const { root } = system.options;
  if (system.bootId === '') return false;
  const boots = readBoots(root, true);
  const after = addBoot(boots, presentBoot(system));
  if (after === boots) return false;
  holdFailed(system, state, failedUpdates(boots, system.os.name));
  // The hold first: once the boot is noted, nobody looks again.
  await writeState(root, state);
  await writeBoots(root, after);
  return true;
}

/** Marks the present boot as good: it has reached `boot-complete.target`. @throws StorageError */
export async function blessPresentBoot(system: System): Promise<void> {
  const { root } = system.options;
  const boots = addBoot(readBoots(root, true), presentBoot(system));
  await writeBoots(root, blessBoot(boots, system.bootId));
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

function holdFailed(system: System, state: State, failed: readonly string[]): void {
  if (failed.length === 0) return;
  const records = readRecords(system.options.root, false);
  const present = recordOf(records, system.os);
  for (const name of failed) {
    const record = records.get(name);
    if (!record) continue;
    for (const [component, version] of cameInWith(record, present)) {
      const held = state.heldFor[system.os.name] ?? {};
      held[component] = [...new Set([...(held[component] ?? []), version])];
      state.heldFor[system.os.name] = held;
      system.options.reporter.notice(
        component,
        `${version} came in with an OS update that failed (${name}); it is held for this OS until something newer appears`,
      );
    }
  }
}
