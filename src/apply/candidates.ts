/** The images that are to be merged after a run, and how a new one is kept from it. */
import { basename, join } from 'node:path';
import { reportOf, UnsuitableError } from '../errors.ts';
import { removeTree } from '../os/remove-tree.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { withUnderlay } from '../os/underlay.ts';
import { imageNameOf, installsParked, PARKED } from '../resolve/exposure.ts';
import { addBadMark } from '../resolve/marks.ts';
import { isTreeTarget } from '../source/source-types.ts';
import type { System } from '../system.ts';
import { stateKey } from '../target/paths.ts';
import type { Transfer } from '../types.ts';
import type { DoneAction, Work } from '../work.ts';
import type { TestImage } from './test-merge.ts';
import { type MergeKind, visibleFiles } from './visible-file.ts';

export interface Candidate {
  readonly work: Work;
  readonly transfer: Transfer;
  readonly image: TestImage;
  readonly sha256?: string | undefined;
  /** Not visible yet. */
  readonly isNew: boolean;
}

/** @param nextBoot whether it is the set of the next boot, with what waits for it */
export function candidatesOf(work: Work, kind: MergeKind, nextBoot: boolean): Candidate[] {
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

/**
 * Marks an image as bad, makes that the failure of its component, and takes the file away again if this run has brought
 * it: it was never visible.
 * @param why `mark` is kept with the mark, for `why`; `message` is what is told, after the name of the component
 * @param done what this run has done
 */
export async function refuse(
  system: System,
  state: State,
  candidate: Candidate,
  { mark, message }: { readonly mark: string; readonly message: string },
  done: DoneAction[],
): Promise<void> {
  const { work, sha256 } = candidate;
  const { name } = work.survey.component;
  if (sha256 !== undefined) {
    const bad = { component: name, version: work.plan?.version ?? '', reason: mark };
    state.bad[sha256] = addBadMark(state.bad[sha256], bad, system.os.identity);
  }
  work.error = reportOf(
    new UnsuitableError(`${name}: ${message}`, {
      next: 'the version stays out; a new version, or a new image of it, is tried again',
    }),
  );
  if (!isBrought(candidate)) return;
  await discard(state, candidate);
  done.push({ component: name, action: 'remove', version: work.plan?.version ?? '', from: null });
}

/** Whether this run has installed it. */
function isBrought({ work, transfer }: Candidate): boolean {
  return work.plan?.steps.some((step) => step.step === 'install' && step.transfer === transfer) ?? false;
}

async function discard(state: State, { transfer, image }: Candidate): Promise<void> {
  await withUnderlay([image.path], (place) => removeTree(resolveInRoot(place, image.path)));
  delete state.installed[stateKey(transfer, basename(image.path))];
}
