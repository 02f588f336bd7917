/**
 * Which files are needed by more than the definitions say: those behind what is merged now, and those of every OS that
 * this machine can boot.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mergedFileNames } from './apply/activate.ts';
import { listBootable } from './bootable.ts';
import { readRecords } from './os/records.ts';
import { resolveInRoot } from './os/root.ts';
import type { State } from './os/state.ts';
import type { Bootable } from './resolve/bootable.ts';
import { PARKED } from './resolve/exposure.ts';
import type { Needs } from './resolve/keep.ts';
import { isBadUnder } from './resolve/marks.ts';
import { neededFiles, recordOf } from './resolve/needed-files.ts';
import { type KnownOs, knownOs } from './resolve/os-identity.ts';
import { filesOf, hashesOf, type OsRecord, releaseOf } from './resolve/record.ts';
import { selectVersion } from './resolve/select.ts';
import { isVisible, resolveSurvey, surveyAll } from './survey.ts';
import { type System, systemFor } from './system.ts';

export interface KnownNeeds extends Needs {
  readonly bootable: Bootable;
  /** The system under every other OS that is known, bootable or not: what its definitions name is ours, too. */
  readonly elsewhere: readonly System[];
}

/** Collects what must stay. */
export async function collectNeeds(system: System, state: State): Promise<KnownNeeds> {
  const { root } = system.options;
  const records = readRecords(root, false);
  const bootable = await listBootable(system, state);
  const recorded = new Map<string, KnownOs>();
  for (const [name, record] of records) {
    const release = { ...system.os.release, fields: releaseOf(record), initrd: false };
    recorded.set(name, knownOs(release, record.deployment ?? undefined));
  }
  const others = new Map<string, KnownOs>([...recorded, ...bootable.oses.map((os) => [os.name, os] as const)]);
  others.delete(system.os.name);
  const views = new Map([...others].map(([name, os]) => [name, systemFor(system, os)]));
  const selectedFor = new Map<string, string[]>();
  for (const os of bootable.oses) {
    const view = views.get(os.name);
    if (view) selectedFor.set(os.name, await selectedFiles(view, state, recordOf(records, os)));
  }
  return {
    merged: root === '' ? mergedFileNames() : new Set(),
    forOs: neededFiles({ bootable, records, recorded, selectedFor }),
    bootable,
    elsewhere: [...views.values()],
  };
}

/** What an OS would be given at boot where its record does not help. */
async function selectedFiles(view: System, state: State, record: OsRecord | undefined): Promise<string[]> {
  const open = view.definitions.components.filter(({ name }) => {
    const entry = record?.components[name];
    const pinned = state.pinned[name];
    const isServed =
      entry !== undefined &&
      (pinned === undefined || pinned === entry.version) &&
      !hashesOf(entry).some((sha256) => isBadUnder(state.bad[sha256], view.os.identity)) &&
      filesOf(entry).every((path) => isHere(view.options.root, path));
    return !isServed;
  });
  const definitions = { ...view.definitions, components: open };
  const surveys = await surveyAll({ ...view, definitions }, state, { sources: false });
  return surveys.flatMap((survey) => {
    const resolution = resolveSurvey(view, state, survey);
    const pinned = state.pinned[survey.component.name];
    const recorded = record?.components[survey.component.name];
    const { version } = selectVersion({ resolution, recorded, pinned, bootId: '', isVisible: isVisible(survey) });
    return [...(version?.installed.values() ?? [])].map(({ path }) => path);
  });
}

function isHere(root: string, path: string): boolean {
  const at = path.lastIndexOf('/');
  return [path, join(path.slice(0, at), PARKED, path.slice(at + 1))].some((one) =>
    existsSync(resolveInRoot(root, one)),
  );
}
