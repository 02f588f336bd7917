/** How a run goes through its components: each fails alone, and all are written through the same root. */
import { mapLimit } from './concurrency.ts';
import { reportOf } from './errors.ts';
import { withUnderlay } from './os/underlay.ts';
import type { ComponentPlan } from './resolve/plan.ts';
import type { Survey } from './survey.ts';
import type { System } from './system.ts';
import { writtenPaths } from './target/paths.ts';
import type { Transfer } from './types.ts';
import type { DoneAction, UpdateResult, Work } from './work.ts';

/** Components that are worked at at the same time. */
const WORKS_AT_ONCE = 4;

/** Runs an operation for every component that has not failed; a failure stays with its component. */
export async function eachWork(works: readonly Work[], operation: (work: Work) => Promise<void>): Promise<void> {
  await mapLimit(
    works.filter(({ error }) => error === undefined),
    WORKS_AT_ONCE,
    async (work) => {
      try {
        await operation(work);
      } catch (error) {
        if (error instanceof Error && error.name === 'AbortError') throw error;
        work.error = reportOf(error);
      }
    },
  );
}

/** Like {@link eachWork}, one after the other, for components with a plan. */
export async function eachPlanned(
  works: readonly Work[],
  operation: (work: Work, plan: ComponentPlan) => Promise<void>,
): Promise<void> {
  for (const work of works) {
    await eachWork([work], async () => {
      if (work.plan) await operation(work, work.plan);
    });
  }
}

/**
 * Gives an operation the root through which all targets can be written, below merged hierarchies too.
 * @param pathsOf what is written of a transfer
 */
export function underAll<T>(
  system: System,
  works: readonly { readonly survey: Pick<Survey, 'component'> }[],
  operation: (place: string) => Promise<T>,
  pathsOf: (transfer: Transfer) => readonly string[] = writtenPaths,
): Promise<T> {
  const { root } = system.options;
  if (root !== '') return operation(root);
  const paths = works.flatMap(({ survey: { component } }) =>
    [...component.transfers, ...component.disabledTransfers].flatMap(pathsOf),
  );
  return withUnderlay(paths, operation);
}

/** What came out, when all is done. */
export function resultOf(works: readonly Work[], done: readonly DoneAction[]): UpdateResult {
  return {
    resolutions: works.flatMap(({ resolution }) => resolution ?? []),
    plans: works.flatMap(({ plan }) => plan ?? []),
    done,
    errors: works.flatMap(({ survey, error, trouble }) => {
      const found = error ?? survey.failure ?? trouble;
      return found ? [{ component: survey.component.name, ...found }] : [];
    }),
  };
}
