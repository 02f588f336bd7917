/**
 * Test-merges what is about to be visible. When systemd refuses the set, the guilty among the new images are found
 * there, in halves; they are marked bad and their components fail, the rest goes on.
 */
import type { State } from '../os/state.ts';
import { isolate } from '../resolve/isolate.ts';
import type { System } from '../system.ts';
import type { DoneAction, Work } from '../work.ts';
import { type Candidate, candidatesOf, refuse } from './candidates.ts';
import { testMerge } from './test-merge.ts';
import { type MergeKind, mergeKinds } from './visible-file.ts';

/** Screens the planned set of each kind; does nothing where systemd cannot be asked (`--root=`, no privileges). */
export async function screenSet(
  system: System,
  state: State,
  works: readonly Work[],
  done: DoneAction[],
): Promise<void> {
  if (system.options.root !== '' || process.getuid?.() !== 0) return;
  const hasDeferred = works.some(({ moment, error }) => moment === 'reboot' && !error);
  // What waits for the next boot is tried in the set that is merged then.
  for (const nextBoot of hasDeferred ? [false, true] : [false]) {
    for (const kind of mergeKinds) {
      const candidates = works.flatMap((work) => candidatesOf(work, kind, nextBoot));
      if (candidates.some(({ isNew }) => isNew)) await screenKind(system, state, kind, candidates, done);
    }
  }
}

async function screenKind(
  system: System,
  state: State,
  kind: MergeKind,
  candidates: readonly Candidate[],
  done: DoneAction[],
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
      const message = `systemd refuses version ${candidate.work.plan?.version}: ${reason}`;
      await refuse(system, state, candidate, { mark: `systemd refused it: ${reason}`, message }, done);
    }
  }
}
