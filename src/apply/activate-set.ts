/**
 * Activates what was exposed, once per run: systemd merges, the result is compared with the plan, and when it differs
 * the previous set is exposed and merged again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ActivationError, reportOf } from '../errors.ts';
import { resolveInRoot } from '../os/root.ts';
import { hierarchiesOver, withUnderlay } from '../os/underlay.ts';
import { imageNameOf } from '../resolve/exposure.ts';
import type { Step } from '../resolve/plan.ts';
import { isTreeTarget } from '../source/source-types.ts';
import type { System } from '../system.ts';
import { writtenPaths } from '../target/paths.ts';
import type { Transfer } from '../types.ts';
import type { DoneAction, Work } from '../work.ts';
import { type ExpectedImage, findMissing, mergeAnew, refresh } from './activate.ts';
import { expose } from './expose.ts';
import { type MergeKind, mergeKinds, visibleFiles } from './visible-file.ts';

/** A step that makes a version visible. */
export type ExposeStep = Extract<Step, { step: 'expose' }>;

/** A component whose visible version was changed in this run. */
export interface Changed {
  readonly work: Work;
  readonly steps: readonly ExposeStep[];
}

/** What has been exposed in this run. */
export interface ActivationSet {
  readonly changed: Changed[];
  /** Kinds of which something was only taken out of sight. */
  readonly hidden?: ReadonlySet<MergeKind>;
}

/** Whether systemd is told to merge in this run. */
export function mergesHere({ options }: System): boolean {
  return options.refresh && options.root === '';
}

/** Has systemd merge the set; failures become errors of the components that changed. */
export async function activateSet(
  system: System,
  works: readonly Work[],
  set: ActivationSet,
  done: DoneAction[],
): Promise<void> {
  if (!mergesHere(system)) return;
  const expected = works.flatMap((work) => expectedOf(work));
  const kinds = new Set([...kindsOf(set.changed), ...(set.hidden ?? [])]);
  for (const { kind } of await findMissing(expected)) kinds.add(kind);
  if (kinds.size === 0) return;

  await uncover(set);
  const failure = await mergeAndCompare(kinds, expected);
  if (failure === undefined) {
    for (const { work } of set.changed) {
      const { plan } = work;
      if (plan)
        done.push({
          component: plan.component.name,
          action: 'activate',
          version: plan.version,
          from: plan.from ?? null,
        });
    }
    return;
  }
  await restore(system, set.changed);
  if (set.changed.length > 0) await mergeAndCompare(kinds, []);
  blame(works, set, failure, done);
}

/**
 * Puts the previous versions of some components back, and has systemd merge them.
 * @returns why that failed; undefined when it did not
 */
export async function takeBack(system: System, changed: readonly Changed[]): Promise<string | undefined> {
  await restore(system, changed);
  return mergesHere(system) ? mergeAndCompare(new Set(kindsOf(changed)), []) : undefined;
}

/** The kinds of which systemd shows something else than is exposed. */
export async function kindsToRefresh(works: readonly Work[]): Promise<MergeKind[]> {
  const missing = await findMissing(works.flatMap(expectedOf));
  return mergeKinds.filter((kind) => missing.some((image) => image.kind === kind));
}

/** Makes sure that what was written below merged hierarchies is seen through them. */
async function uncover(set: ActivationSet): Promise<void> {
  const hidden = set.changed
    .flatMap(({ steps }) => steps)
    .filter(({ transfer, fileName }) => !existsSync(resolveInRoot('', visiblePath(transfer, fileName))));
  const covers = hierarchiesOver(hidden.map(({ transfer }) => transfer.target.path));
  for (const kind of new Set(covers.map((cover) => cover.kind))) await mergeAnew(kind);
}

/** Where systemd finds a version that is exposed. */
function visiblePath({ target }: Transfer, fileName: string): string {
  return target.currentSymlink ?? join(target.path, fileName);
}

/** Somebody else's refresh that looked around before this run exposed anything may end after ours, and undo it. */
const MERGE_ATTEMPTS = 2;

/** @returns why systemd does not show what is expected; undefined when it does */
async function mergeAndCompare(
  kinds: ReadonlySet<MergeKind>,
  expected: readonly ExpectedImage[],
): Promise<string | undefined> {
  let missing: readonly ExpectedImage[] = [];
  for (let attempt = 0; attempt < MERGE_ATTEMPTS; attempt++) {
    for (const kind of mergeKinds) {
      const why = kinds.has(kind) ? await refresh(kind) : undefined;
      if (why !== undefined) return `systemd-${kind} refused the set: ${why}`;
    }
    missing = await findMissing(expected);
    if (missing.length === 0) return undefined;
  }
  return `not merged although exposed: ${missing.map(({ name, fileName }) => `${name} (${fileName})`).join(', ')}`;
}

async function restore(system: System, changed: readonly Changed[]): Promise<void> {
  const steps = changed.flatMap((entry) => entry.steps);
  await withUnderlay(
    steps.flatMap(({ transfer }) => writtenPaths(transfer)),
    async (place) => {
      for (const { transfer, previous } of steps) {
        await expose(place, transfer, previous, system.host.release.architecture);
      }
    },
  );
}

function blame(works: readonly Work[], set: ActivationSet, failure: string, done: DoneAction[]): void {
  const guilty =
    set.changed.length > 0 ? set.changed.map(({ work }) => work) : works.filter((work) => expectedOf(work).length > 0);
  for (const work of guilty) {
    const { name } = work.survey.component;
    const restored = set.changed.length > 0 ? '; the previous version is back' : '';
    work.error ??= reportOf(
      new ActivationError(`${name}: ${failure}${restored}`, {
        next: 'systemd-sysext list shows all images; journalctl -u systemd-sysext',
      }),
    );
    if (set.changed.length > 0) withdraw(done, name);
  }
}

/** What was exposed and taken back has not been done. */
export function withdraw(done: DoneAction[], component: string): void {
  const kept = done.filter(
    (entry) => entry.component !== component || (entry.action !== 'expose' && entry.action !== 'activate'),
  );
  done.splice(0, done.length, ...kept);
}

function kindsOf(changed: readonly Changed[]): MergeKind[] {
  return changed.flatMap(({ steps }) =>
    steps.flatMap(({ transfer: { kind } }) => (kind === 'sysext' || kind === 'confext' ? [kind] : [])),
  );
}

/** What has to be merged when a work is done. */
export function expectedOf(work: Work): ExpectedImage[] {
  return visibleFiles(work).map(({ transfer, kind, fileName }) => ({
    kind,
    name: imageNameOf(transfer, fileName),
    fileName,
    isTree: isTreeTarget(transfer.target.type),
  }));
}
