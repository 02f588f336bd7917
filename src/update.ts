/**
 * THE STORY: definitions -> what is offered and what is here -> resolve -> acquire -> install -> test -> expose ->
 * activate -> prune. Each component goes on or fails alone; systemd is told once.
 */
import { existsSync } from 'node:fs';
import { acquireComponent, nothingFits } from './acquire.ts';
import { type ActivationSet, activateSet } from './apply/activate-set.ts';
import { expose } from './apply/expose.ts';
import { installPlanned } from './apply/install-planned.ts';
import { decideForComponent, removeUnneeded } from './apply/prune.ts';
import { screenSet } from './apply/screen-set.ts';
import { mapLimit } from './concurrency.ts';
import { type ErrorReport, reportOf } from './errors.ts';
import { type Lock, takeLock } from './os/lock.ts';
import { resolveInRoot } from './os/root.ts';
import { readState, type State, writeState } from './os/state.ts';
import { warnOfSysupdate } from './os/sysupdate-timer.ts';
import { withUnderlay } from './os/underlay.ts';
import type { ComponentPlan } from './resolve/plan.ts';
import { noticePreReleases, planFor, requireVersion, type Survey, settle, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import { instancePath } from './target/paths.ts';
import type { OfferedInstance } from './types.ts';
import { compareVersions } from './version/compare.ts';
import type { DoneAction, KeptFile, Requests, UpdateResult, Work } from './work.ts';

/** Components whose images are downloaded at the same time. */
const ACQUIRE_AT_ONCE = 4;

/** Where the lock for everything that changes the disk is, as seen inside the root. */
export const LOCK_PATH = '/run/extupdate/lock';

/** Downloads what is missing into staging, and no more. */
export async function acquire(system: System, requests: Requests): Promise<UpdateResult> {
  return withLocks(system, ['staging'], 'acquire', async () => {
    const state = readState(system.options.root, false);
    const works = await begin(system, state);
    await acquireAll(system, state, works, requests, { unpack: false });
    const done: DoneAction[] = [];
    for (const { survey, resolution, downloaded } of works) {
      const chosen = resolution?.chosen;
      if (!chosen || !downloaded) continue;
      done.push({
        component: survey.component.name,
        action: 'acquire',
        version: chosen.version,
        from: resolution.active ?? null,
      });
    }
    return resultOf(works, done);
  });
}

/**
 * Makes the newest fitting version of every component the one that is merged.
 * Offline, only what is installed or in staging counts.
 */
export async function update(system: System, requests: Requests, command: string): Promise<UpdateResult> {
  return withLocks(system, ['root', 'staging'], command, async () => {
    const { root } = system.options;
    const state = readState(root, true);
    const done: DoneAction[] = [];
    await warnOfSysupdate(system);
    const works = await begin(system, state);
    await acquireAll(system, state, works, requests, { unpack: true });

    for (const work of works) planWork(system, work);
    await underAll(system, works, (place) =>
      eachPlanned(works, (work, plan) => installPlanned(system, state, place, work, plan, done)),
    );
    await screenSet(system, state, works);
    const set = await underAll(system, works, (place) => exposeAll(system, place, works, done));
    await activateSet(system, works, set, done);

    for (const work of works) remember(state, work, requests);
    await underAll(system, works, (place) =>
      eachPlanned(works, ({ survey }) => removeUnneeded(system, state, place, survey.component, done)),
    );
    await writeState(root, state);
    return resultOf(works, done);
  });
}

/** What `update` would do, without doing it. */
export async function planUpdate(system: System, requests: Requests): Promise<UpdateResult> {
  const state = readState(system.options.root, false);
  const works = await begin(system, state);
  await eachWork(works, async (work) => {
    const requested = requests.get(work.survey.component.name);
    work.resolution = await settle(system, state, work.survey, requested);
    if (requested !== undefined) requireVersion(work.resolution, requested);
    planWork(system, work);
  });
  return resultOf(works, []);
}

/** Removes what nothing needs; with `dryRun` only says what it would do. */
export async function collectGarbage(
  system: System,
  dryRun: boolean,
): Promise<Pick<UpdateResult, 'done' | 'errors'> & { kept: KeptFile[] }> {
  const run = async () => {
    const state = readState(system.options.root, !dryRun);
    const done: DoneAction[] = [];
    const kept: KeptFile[] = [];
    const errors: (ErrorReport & { component: string })[] = [];
    const works = system.definitions.components.map((component) => ({ survey: { component } }));
    await underAll(system, works, async (place) => {
      for (const component of system.definitions.components) {
        try {
          for (const { transfer, instance, keep, reason } of await decideForComponent(
            system,
            state,
            place,
            component,
          )) {
            kept.push({ component: component.name, path: instancePath(transfer, instance), keep, reason });
          }
          if (!dryRun) await removeUnneeded(system, state, place, component, done);
        } catch (error) {
          errors.push({ component: component.name, ...reportOf(error) });
        }
      }
    });
    if (!dryRun) await writeState(system.options.root, state);
    return { done, errors, kept };
  };
  return dryRun ? run() : withLocks(system, ['root', 'staging'], 'gc', run);
}

async function begin(system: System, state: State): Promise<Work[]> {
  const surveys = await surveyAll(system, state, { sources: true });
  const isAtHand = ({ sha256 }: OfferedInstance) => existsSync(system.staging.payload(sha256));
  return surveys.map((survey) => ({
    survey: system.options.offline ? { ...survey, offered: survey.offered.filter(isAtHand) } : survey,
    downloaded: false,
    ready: new Map(),
  }));
}

/** A source that could not be asked is an error in the end; what is installed is looked after all the same. */
async function acquireAll(
  system: System,
  state: State,
  works: readonly Work[],
  requests: Requests,
  { unpack }: { readonly unpack: boolean },
): Promise<void> {
  await eachWork(works, async (work) => {
    const requested = requests.get(work.survey.component.name);
    const acquired = await acquireComponent(system, state, work.survey, { unpack, requested });
    work.resolution = acquired.resolution;
    work.downloaded = acquired.downloaded;
    work.ready = acquired.ready;
    noticePreReleases(system, acquired.resolution);
    const failure = work.survey.failure ? undefined : nothingFits(acquired.resolution);
    if (failure) throw failure;
  });
  const offered = works.flatMap(({ survey }) => survey.offered.map(({ sha256 }) => sha256));
  await system.facts.save(new Set(offered));
}

function planWork(system: System, work: Work): void {
  const chosen = work.resolution?.chosen;
  if (!work.resolution || !chosen || work.error) return;
  work.plan = planFor(system, work.survey, work.resolution, chosen);
}

/** Exposes what was planned. @returns what was visible before, by component and transfer, to go back to */
async function exposeAll(
  system: System,
  place: string,
  works: readonly Work[],
  done: DoneAction[],
): Promise<ActivationSet> {
  const set: ActivationSet = { changed: [] };
  await eachPlanned(works, async (work, plan) => {
    const steps = plan.steps.filter((step) => step.step === 'expose');
    if (steps.length === 0 || work.survey.component.settings.activate !== 'now') return;
    set.changed.push({ work, steps });
    for (const { transfer, fileName } of steps) {
      await expose(place, transfer, fileName, system.host.release.architecture);
    }
    done.push({ component: plan.component.name, action: 'expose', version: plan.version, from: plan.from ?? null });
    system.options.reporter.step(
      plan.component.name,
      `${plan.from === undefined ? '' : `${plan.from} -> `}${plan.version}`,
    );
  });
  return set;
}

/** The version to go back to; and an explicit downgrade keeps everything newer out until something newer appears. */
function remember(state: State, work: Work, requests: Requests): void {
  const { plan, resolution, survey } = work;
  if (work.error || !plan || !resolution) return;
  const { name } = survey.component;
  if (plan.from !== undefined && plan.from !== plan.version) state.previous[name] = plan.from;
  if (requests.get(name) === undefined) return;
  // What this OS cannot use anyway is not held: it may be just the version that the next OS needs.
  const newer = resolution.versions
    .filter(({ version, compatible }) => compatible !== false && compareVersions(version, plan.version) > 0)
    .map(({ version }) => version);
  if (newer.length > 0) state.held[name] = newer;
  else delete state.held[name];
}

/** Runs an operation for every component that has not failed; a failure stays with its component. */
async function eachWork(works: readonly Work[], operation: (work: Work) => Promise<void>): Promise<void> {
  await mapLimit(
    works.filter(({ error }) => error === undefined),
    ACQUIRE_AT_ONCE,
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
async function eachPlanned(
  works: readonly Work[],
  operation: (work: Work, plan: ComponentPlan) => Promise<void>,
): Promise<void> {
  for (const work of works) {
    await eachWork([work], async () => {
      if (work.plan) await operation(work, work.plan);
    });
  }
}

/** Gives an operation the root through which all targets can be written, below merged hierarchies too. */
function underAll<T>(
  system: System,
  works: readonly { readonly survey: Pick<Survey, 'component'> }[],
  operation: (place: string) => Promise<T>,
): Promise<T> {
  const { root } = system.options;
  if (root !== '') return operation(root);
  const paths = works.flatMap(({ survey }) =>
    survey.component.transfers.flatMap(({ target }) => [target.path, target.currentSymlink ?? target.path]),
  );
  return withUnderlay(paths, operation);
}

async function withLocks<T>(
  system: System,
  names: readonly ('root' | 'staging')[],
  command: string,
  operation: () => Promise<T>,
): Promise<T> {
  const { root } = system.options;
  const paths = { root: resolveInRoot(root, LOCK_PATH), staging: system.staging.lockFile };
  const locks: Lock[] = [];
  try {
    for (const name of names) locks.push(await takeLock(paths[name], command));
    return await operation();
  } finally {
    await Promise.all(locks.map((lock) => lock.release()));
  }
}

function resultOf(works: readonly Work[], done: readonly DoneAction[]): UpdateResult {
  return {
    resolutions: works.flatMap(({ resolution }) => resolution ?? []),
    plans: works.flatMap(({ plan }) => plan ?? []),
    done,
    errors: works.flatMap(({ survey, error }) => {
      const found = error ?? survey.failure;
      return found ? [{ component: survey.component.name, ...found }] : [];
    }),
  };
}
