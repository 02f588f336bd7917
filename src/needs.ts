/**
 * Which files are needed by more than the definitions say: those behind what is merged now, and those of every OS that
 * this machine can boot.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mergedFileNames } from './apply/activate.ts';
import { type Bootable, listBootable } from './bootable.ts';
import { readRecords, recordOf } from './os/records.ts';
import { resolveInRoot } from './os/root.ts';
import type { State } from './os/state.ts';
import { PARKED } from './resolve/exposure.ts';
import type { Needs } from './resolve/keep.ts';
import { describeOs, type KnownOs, knownOs } from './resolve/os-identity.ts';
import { filesOf, releaseOf } from './resolve/record.ts';
import { selectVersion } from './resolve/select.ts';
import { resolveSurvey, surveyAll } from './survey.ts';
import { type System, systemFor } from './system.ts';

export interface KnownNeeds extends Needs {
  readonly bootable: Bootable;
  /** The system under every other OS that is known, bootable or not: what its definitions name is ours, too. */
  readonly elsewhere: readonly System[];
}

/**
 * Collects what must stay. An OS with a record needs what the record names; where that is gone, or there is no record,
 * it needs what it would be given at boot.
 */
export async function collectNeeds(system: System, state: State): Promise<KnownNeeds> {
  const { root } = system.options;
  const records = readRecords(root, false);
  const bootable = await listBootable(system);
  const forOs = new Map<string, string>();
  const need = (path: string, reason: string) => {
    if (!forOs.has(path)) forOs.set(path, reason);
  };

  const present = recordOf(records, system.os);
  for (const path of Object.values(present?.components ?? {}).flatMap(filesOf)) need(path, 'recorded for this OS');
  for (const os of bootable.oses.filter(({ running }) => !running)) {
    const record = recordOf(records, os);
    for (const path of Object.values(record?.components ?? {}).flatMap(filesOf)) {
      need(path, `recorded for ${describeOs(os)}`);
    }
    const view = systemFor(system, os);
    const open = view.definitions.components.filter(({ name }) => {
      const entry = record?.components[name];
      return !entry || !filesOf(entry).every((path) => isHere(root, path));
    });
    const surveys = await surveyAll({ ...view, definitions: { ...view.definitions, components: open } }, state, {
      sources: false,
    });
    for (const survey of surveys) {
      const { name } = survey.component;
      const resolution = resolveSurvey(view, state, survey);
      const { version } = selectVersion({ resolution, pinned: state.pinned[name], bootId: '' });
      for (const { path } of version?.installed.values() ?? [])
        need(path, `${describeOs(os)} would be given it at boot`);
    }
  }

  const others = new Map<string, KnownOs>();
  for (const os of bootable.oses) others.set(os.name, os);
  for (const [name, record] of records) {
    const release = { ...system.os.release, fields: releaseOf(record), initrd: false };
    const os = knownOs(release, record.deployment ?? undefined);
    if (!others.has(name)) others.set(name, os);
    // Where it is not known what can be booted, every OS may be.
    if (bootable.certain) continue;
    for (const path of Object.values(record.components).flatMap(filesOf)) need(path, `recorded for ${describeOs(os)}`);
  }
  others.delete(system.os.name);
  return {
    merged: root === '' ? mergedFileNames() : new Set(),
    forOs,
    bootable,
    elsewhere: [...others.values()].map((os) => systemFor(system, os)),
  };
}

function isHere(root: string, path: string): boolean {
  const at = path.lastIndexOf('/');
  return [path, join(path.slice(0, at), PARKED, path.slice(at + 1))].some((one) =>
    existsSync(resolveInRoot(root, one)),
  );
}
