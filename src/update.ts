/**
 * THE STORY: definitions -> what is offered and what is here -> resolve -> acquire -> install -> test -> expose ->
 * activate -> prune. Each component goes on or fails alone; systemd is told once.
 */
import { existsSync } from 'node:fs';
import { acquireComponent, doesNotFit, nothingFits } from './acquire.ts';
import { type ActivationSet, activateSet, type ExposeStep } from './apply/activate-set.ts';
import { expose } from './apply/expose.ts';
import { installPlanned } from './apply/install-planned.ts';
import { removeLeftovers, removeUnneeded } from './apply/prune.ts';
import { screenSet } from './apply/screen-set.ts';
import { eachPlanned, eachWork, resultOf, underAll } from './each-work.ts';
import { withLocks } from './locks.ts';
import { readState, type State, writeState } from './os/state.ts';
import { warnOfSysupdate } from './os/sysupdate-timer.ts';
import { noticePreReleases, noticeStuck, planFor, requireVersion, settle, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import type { OfferedInstance } from './types.ts';
import { newestFirst } from './version/compare.ts';
import type { DoneAction, PayloadUsers, Requests, UpdateResult, Work } from './work.ts';

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
    await removeLeftovers(system);
    const works = await begin(system, state);
    await acquireAll(system, state, works, requests, { unpack: true });

    for (const work of works) planWork(system, work);
    const users = payloadUsers(works);
    await underAll(system, works, (place) =>
      eachPlanned(works, (work, plan) => installPlanned(system, state, place, work, plan, users, done)),
    );
    await screenSet(system, state, works);
    await writeState(root, state);
    const set = await underAll(system, works, (place) => exposeAll(system, place, works, done));
    await activateSet(system, works, set, done);

    for (const work of works) remember(state, work, requests);
    await writeState(root, state);
    await underAll(system, works, (place) =>
      eachPlanned(works, async ({ survey }) => {
        await removeUnneeded(system, state, place, survey.component, done);
      }),
    );
    await writeState(root, state);
    await system.facts.save(offeredHashes(works));
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
    const failure = doesNotFit(work.resolution, requested);
    if (failure) throw failure;
    planWork(system, work);
  });
  return resultOf(works, []);
}

/** Surveys all components; offline, only what is in staging counts as offered. */
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
    noticeStuck(system, acquired.resolution);
    const failure =
      doesNotFit(acquired.resolution, requested) ??
      (work.survey.failure ? undefined : nothingFits(acquired.resolution));
    if (failure) throw failure;
  });
  await system.facts.save(offeredHashes(works));
}

function offeredHashes(works: readonly Work[]): Set<string> {
  return new Set(works.flatMap(({ survey }) => survey.offered.map(({ sha256 }) => sha256)));
}

function planWork(system: System, work: Work): void {
  const chosen = work.resolution?.chosen;
  if (!work.resolution || !chosen || work.error) return;
  work.plan = planFor(system, work.survey, work.resolution, chosen);
}

function payloadUsers(works: readonly Work[]): PayloadUsers {
  const users: PayloadUsers = new Map();
  for (const step of works.flatMap(({ plan }) => plan?.steps ?? [])) {
    if (step.step === 'install') users.set(step.instance.sha256, (users.get(step.instance.sha256) ?? 0) + 1);
  }
  return users;
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
    await exposeTogether(system, place, steps);
    set.changed.push({ work, steps });
    done.push({ component: plan.component.name, action: 'expose', version: plan.version, from: plan.from ?? null });
  });
  return set;
}

/** All transfers of a component change, or none does. */
async function exposeTogether(system: System, place: string, steps: readonly ExposeStep[]): Promise<void> {
  const { architecture } = system.host.release;
  const changed: ExposeStep[] = [];
  try {
    for (const step of steps) {
      changed.push(step);
      await expose(place, step.transfer, step.fileName, architecture);
    }
  } catch (error) {
    for (const { transfer, previous } of changed) await expose(place, transfer, previous, architecture).catch(() => {});
    throw error;
  }
}

/** The version to go back to; and an explicit downgrade keeps everything newer out until something newer appears. */
function remember(state: State, work: Work, requests: Requests): void {
  const { plan, resolution, survey } = work;
  if (work.error || !plan || !resolution) return;
  const { name } = survey.component;
  if (plan.from !== undefined && plan.from !== plan.version) state.previous[name] = plan.from;
  if (requests.get(name) === undefined) return;
  // Asked for by name and active now: whatever was held against it is over.
  const { offered, installed } = resolution.chosen ?? { offered: new Map(), installed: new Map() };
  for (const { sha256 } of [...offered.values(), ...installed.values()]) if (sha256) delete state.bad[sha256];
  // What this OS cannot use anyway is not held: it may be just the version that the next OS needs.
  const newer = resolution.versions
    .filter(({ version, compatible }) => compatible !== false && newestFirst(version, plan.version) < 0)
    .map(({ version }) => version);
  if (newer.length > 0) state.held[name] = newer;
  else delete state.held[name];
}
