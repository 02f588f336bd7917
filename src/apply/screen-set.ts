/**
 * Test-merges what is about to be visible. When systemd refuses the set, the guilty among the new images are found
 * there, in halves; they are marked bad and their components fail, the rest goes on.
 */
import { basename, join } from 'node:path';
import { reportOf, UnsuitableError } from '../errors.ts';
import { removeTree } from '../os/remove-tree.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { withUnderlay } from '../os/underlay.ts';
import { imageNameOf, installsParked, PARKED } from '../resolve/exposure.ts';
import { isolate } from '../resolve/isolate.ts';
import { addBadMark } from '../resolve/marks.ts';
import { isTreeTarget } from '../source/source-types.ts';
import type { System } from '../system.ts';
import { stateKey } from '../target/paths.ts';
import type { Transfer } from '../types.ts';
import type { Work } from '../work.ts';
import { type TestImage, testMerge } from './test-merge.ts';
import { type MergeKind, mergeKinds, visibleFiles } from './visible-file.ts';

interface Candidate {
  readonly work: Work;
  readonly transfer: Transfer;
  readonly image: TestImage;
  readonly sha256?: string | undefined;
  /** Not visible yet. */
  readonly isNew: boolean;
}

/** Screens the planned set of each kind; does nothing where systemd cannot be asked (`--root=`, no privileges). */
export async function screenSet(system: System, state: State, works: readonly Work[]): Promise<void> {
  if (system.options.root !== '' || process.getuid?.() !== 0) return;
  const hasDeferred = works.some(({ moment, error }) => moment === 'reboot' && !error);
  // What waits for the next boot is tried in the set that is merged then.
  for (const nextBoot of hasDeferred ? [false, true] : [false]) {
    for (const kind of mergeKinds) {
      const candidates = works.flatMap((work) => candidatesOf(work, kind, nextBoot));
      if (candidates.some(({ isNew }) => isNew)) await screenKind(system, state, kind, candidates);
    }
  }
}

async function screenKind(
  system: System,
  state: State,
  kind: MergeKind,
  candidates: readonly Candidate[],
): Promise<void> {
  system.options.reporter.phase('test-merging what is new');
  const host = system.host.release;
  const imagesOf = (some: readonly Candidate[]) => some.map(({ image }) => image);
  const whole = await testMerge(kind, imagesOf(candidates), host);
  if (whole.outcome === 'merged') return;
  if (whole.outcome === 'impossible') {
    system.options.reporter.warning('', `the new images could not be test-merged: ${whole.why}`);
    return;
  }
  // What is refused without anything new is not the new images' fault: then they are tried by themselves.
  const present = candidates.filter(({ isNew }) => !isNew);
  const base = (await testMerge(kind, imagesOf(present), host)).outcome === 'merged' ? present : [];
  // All images of a component go in, or none does.
  const fresh = candidates.filter(({ isNew }) => isNew);
  const groups = [...new Set(fresh.map(({ work }) => work))].map((work) => fresh.filter((one) => one.work === work));
  let why = '';
  const { guilty } = await isolate(groups, async (set) => {
    const result = await testMerge(kind, imagesOf([...base, ...set.flat()]), host);
    if (result.outcome === 'refused') why = result.why;
    return result.outcome !== 'refused';
  });
  for (const group of guilty) {
    const alone = guilty.length > 1 ? await testMerge(kind, imagesOf([...base, ...group]), host) : undefined;
    const reason = alone?.outcome === 'refused' ? alone.why : why;
    for (const candidate of group) {
      markBad(system, state, candidate, reason);
      await discard(state, candidate);
    }
  }
}

/** Takes a refused file away again that this run has brought: it was never visible. */
async function discard(state: State, { work, transfer, image }: Candidate): Promise<void> {
  const fresh = work.plan?.steps.some((step) => step.step === 'install' && step.transfer === transfer);
  if (!fresh) return;
  await withUnderlay([image.path], (place) => removeTree(resolveInRoot(place, image.path)));
  delete state.installed[stateKey(transfer, basename(image.path))];
}

function markBad({ os }: System, state: State, { work, sha256 }: Candidate, why: string): void {
  const { plan, survey } = work;
  const { name } = survey.component;
  const version = plan?.version ?? '';
  if (sha256 !== undefined) {
    const mark = { component: name, version, reason: `systemd refused it: ${why}` };
    state.bad[sha256] = addBadMark(state.bad[sha256], mark, os.identity);
  }
  work.error = reportOf(
    new UnsuitableError(`${name}: systemd refuses version ${version}: ${why}`, {
      next: 'the version stays out; a new version, or a new image of it, is tried again',
    }),
  );
}

function candidatesOf(work: Work, kind: MergeKind, nextBoot: boolean): Candidate[] {
  const { plan, survey } = work;
  return visibleFiles(work, nextBoot)
    .filter((file) => file.kind === kind)
    .map(({ transfer, fileName, isNew }) => {
      const offered = plan?.steps.find((step) => step.step === 'install' && step.transfer === transfer);
      const installed = survey.installed.find(
        ({ transferId, name }) => transferId === transfer.id && name === fileName,
      );
      const sha256 = offered?.step === 'install' ? offered.instance.sha256 : installed?.sha256;
      const parked = installed ? installed.parked : installsParked(transfer);
      return { work, transfer, sha256, isNew, image: imageAt(transfer, fileName, parked) };
    });
}

function imageAt(transfer: Transfer, fileName: string, parked: boolean): TestImage {
  const path = join(transfer.target.path, parked ? PARKED : '', fileName);
  return { name: imageNameOf(transfer, fileName), path, isTree: isTreeTarget(transfer.target.type) };
}
