/**
 * THE STORY: definitions -> what is offered and what is here -> resolve -> acquire -> install -> test -> expose ->
 * activate -> health -> record -> prune. Each component goes on or fails alone; systemd is told once.
 */
import { acquireComponent, doesNotFit, nothingFits } from './acquire.ts';
import { activateSet, mergesHere } from './apply/activate-set.ts';
import { exposeAll } from './apply/expose-planned.ts';
import { hideTurnedOff, turnedOffComponents } from './apply/hide-turned-off.ts';
import { hideWithdrawn, noteWithdrawn } from './apply/hide-withdrawn.ts';
import { installPlanned } from './apply/install-planned.ts';
import { keepHealthy } from './apply/keep-healthy.ts';
import { makeRoomFor, makeWantedRoom } from './apply/make-room.ts';
import { findOwnProgram } from './apply/own-program.ts';
import { pruneAll, removeLeftovers } from './apply/prune.ts';
import { rehearseOwnProgram } from './apply/rehearse-own-program.ts';
import { requestReboot } from './apply/request-reboot.ts';
import { screenSet } from './apply/screen-set.ts';
import { noteBoot } from './boot.ts';
import { eachPlanned, eachWork, resultOf, underAll } from './each-work.ts';
import { reportOf, StorageError } from './errors.ts';
import { markDamaged } from './installed-content.ts';
import { withLocks } from './locks.ts';
import { noticePreReleases, noticeStuck, noticeWithdrawn } from './notices.ts';
import { readState, type State, writeState } from './os/state.ts';
import { warnOfSysupdate } from './os/sysupdate-timer.ts';
import { republishedFailure } from './publisher-changes.ts';
import { recordRun, rememberRun, waitsForBoot } from './remember.ts';
import { settle } from './settle.ts';
import { isAtHand, planFor, requireVersion, resolveSurvey, type Survey, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import { endTrials, startTrials } from './trial.ts';
import type { DoneAction, PayloadUsers, Requests, UpdateResult, Work } from './work.ts';

/** What kind of run it is. */
export interface UpdateOptions {
  /** For the lock, and for the history. */
  readonly command: string;
  /** Whether sources are asked, or their saved lists; else only what is installed counts. */
  readonly sources: boolean;
  /** Whether `Activate=reboot` and `Activate=manual` give way: a person wants it now. */
  readonly now: boolean;
  /** Whether what is installed is exposed and activated too. */
  readonly activate: boolean;
  /** Whether a person goes back: what is left is then no way back any more. */
  readonly goesBack?: boolean;
  /** `at` of the history entry that this run takes back. */
  readonly undoes?: string;
}

/** Downloads what is missing into staging, and no more. */
export async function acquire(system: System, requests: Requests): Promise<UpdateResult> {
  return withLocks(system, ['staging'], 'acquire', async () => {
    const state = readState(system.options.root, false);
    const works = await begin(system, state, { sources: true, now: false }, requests);
    await acquireAll(system, state, works, requests, { unpack: false, demand: true });
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
export function update(host: System, requests: Requests, options: UpdateOptions): Promise<UpdateResult> {
  return withLocks(host, ['root', 'staging'], options.command, () => updateLocked(host, requests, options));
}

/** The same, for a run that holds the locks already. */
export async function updateLocked(host: System, requests: Requests, options: UpdateOptions): Promise<UpdateResult> {
  const { root } = host.options;
  const state = readState(root, true);
  const done: DoneAction[] = [];
  await noteBoot(host, state);
  await warnOfSysupdate(host);
  await removeLeftovers(host);
  const works = await begin(host, state, options, requests);
  await host.memory.save();
  const system: System = { ...host, makeRoom: makeRoomFor(host, state, works, done) };
  await acquireAll(system, state, works, requests, { unpack: true, demand: true });
  await makeWantedRoom(system);
  for (const work of works) noteWithdrawn(state, work);

  for (const work of works) planWork(system, work);
  await installAll(system, state, works, done);
  if (!options.activate) leaveUnwritable(system, works);
  await writeState(root, state);
  if (options.activate) await activateAll(system, state, works, requests, options, done);
  await system.facts.save(offeredHashes(works));
  const result = resultOf(works, done);
  await rememberRun(system, options.command, result, options);
  return result;
}

/** What a confined run cannot write is installed by the run that activates, and is a failure only there. */
function leaveUnwritable(system: System, works: readonly Work[]): void {
  for (const work of works) {
    if (work.error?.code !== 'storage') continue;
    system.options.reporter.notice(work.survey.component.name, `left to the run that activates: ${work.error.message}`);
    delete work.error;
  }
}

/** What comes after installing: nothing new has been visible before. */
async function activateAll(
  system: System,
  state: State,
  works: readonly Work[],
  requests: Requests,
  { goesBack = false }: UpdateOptions,
  done: DoneAction[],
): Promise<void> {
  const { root } = system.options;
  await screenSet(system, state, works);
  await rehearseOwnProgram(system, state, works);
  const trials = startTrials(system, state, works, requests, goesBack);
  await writeState(root, state);
  const off = turnedOffComponents(system).map((component) => ({ survey: { component } }));
  const set = await underAll(system, [...works, ...off], async (place) => {
    const hidden = new Set([...(await hideTurnedOff(system, place)), ...(await hideWithdrawn(system, place, works))]);
    return { ...(await exposeAll(system, place, works, done)), hidden };
  });
  set.changed.push(...trials.resumed);
  system.options.reporter.phase('having systemd merge');
  const own = mergesHere(system) ? await findOwnProgram(set.changed) : undefined;
  await activateSet(system, works, set, done);
  await keepHealthy(system, state, set, done, own);
  // Before the record: what is not on trial any more was judged.
  endTrials(system, state, works, set, trials, goesBack);
  await writeState(root, state);
  const judged = new Set(set.changed.map(({ work }) => work));
  await underAll(system, [...works, ...off], async (place) => {
    await recordRun(system, state, place, works, judged, { keepsWaiting: false });
    await pruneAll(system, state, place, works, done);
  });
  await writeState(root, state);
  const deferred = works.filter(waitsForBoot);
  if (deferred.length > 0) await requestReboot(system, deferred);
}

/** What `update` would do, without doing it. */
export async function planUpdate(
  system: System,
  requests: Requests,
  { sources }: Pick<UpdateOptions, 'sources'> = { sources: true },
): Promise<UpdateResult> {
  const state = readState(system.options.root, false);
  const works = await begin(system, state, { sources, now: false }, requests);
  await eachWork(works, async (work) => {
    const requested = requests.get(work.survey.component.name);
    work.resolution = await settle(system, state, work.survey, requested);
    const republished = republishedFailure(work.resolution);
    if (republished) work.trouble = reportOf(republished);
    if (requested !== undefined) requireVersion(work.resolution, requested);
    const { failure: unreachable } = work.survey;
    const failure =
      doesNotFit(work.resolution, requested) ?? (unreachable ? undefined : nothingFits(system, work.resolution));
    if (failure) throw failure;
    planWork(system, work);
  });
  return resultOf(works, []);
}

/** Surveys all components; offline, only what is in staging counts as offered. */
export async function begin(
  system: System,
  state: State,
  { sources, now }: Pick<UpdateOptions, 'sources' | 'now'>,
  requests: Requests = new Map(),
): Promise<Work[]> {
  const { offline, reporter } = system.options;
  if (sources) reporter.phase(offline ? 'looking at what is acquired' : 'looking for updates');
  const found = await surveyAll(system, state, { sources });
  const surveys = await Promise.all(
    found.map((survey) => markDamaged(system.options.root, state, survey, requests.get(survey.component.name))),
  );
  return surveys.map((survey) => ({
    survey: system.options.offline ? onlyAtHand(system, survey) : survey,
    moment: now ? 'now' : survey.component.settings.activate,
    downloaded: false,
    ready: new Map(),
    ...(survey.unreadable ? { error: survey.unreadable } : {}),
  }));
}

function onlyAtHand(system: System, survey: Survey): Survey {
  return { ...survey, offered: survey.offered.filter((instance) => isAtHand(system, survey.component, instance)) };
}

/**
 * Acquires what every component needs. A source that could not be asked is an error in the end; what is installed is
 * looked after all the same.
 * @param options.unpack whether compressed payloads are unpacked, so that they can be judged too
 * @param options.demand whether it is a failure when a component has no version that fits
 */
export async function acquireAll(
  system: System,
  state: State,
  works: readonly Work[],
  requests: Requests,
  { unpack, demand }: { readonly unpack: boolean; readonly demand: boolean },
): Promise<void> {
  // What is chosen already must not be deleted to make room for the first.
  for (const work of works) {
    if (!work.error)
      work.resolution = resolveSurvey(system, state, work.survey, requests.get(work.survey.component.name));
  }
  await eachWork(works, async (work) => {
    const requested = requests.get(work.survey.component.name);
    const acquired = await acquireComponent(system, state, work.survey, { unpack, requested });
    work.resolution = acquired.resolution;
    work.downloaded = acquired.downloaded;
    work.ready = acquired.ready;
    noticePreReleases(system, acquired.resolution);
    noticeWithdrawn(system, work.survey, acquired.resolution);
    if (demand && requested === undefined) noticeStuck(system, acquired.resolution);
    const republished = republishedFailure(acquired.resolution);
    if (republished) work.trouble = reportOf(republished);
    const failure =
      doesNotFit(acquired.resolution, requested) ??
      (work.survey.failure || !demand ? undefined : nothingFits(system, acquired.resolution));
    if (failure) throw failure;
  });
  await system.facts.save(offeredHashes(works));
}

/** Installs what the plans need; new files go where systemd does not look yet. */
export async function installAll(
  system: System,
  state: State,
  works: readonly Work[],
  done: DoneAction[],
): Promise<void> {
  const users = payloadUsers(works);
  const open = works.filter(({ plan, error }) => !error && plan?.steps.some(({ step }) => step === 'install'));
  try {
    await underAll(
      system,
      open,
      (place) => eachPlanned(open, (work, plan) => installPlanned(system, state, place, work, plan, users, done)),
      ({ target }) => [target.path],
    );
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    // Merged hierarchies are in the way, and this process may not look below them.
    for (const work of open) work.error ??= reportOf(error);
  }
}

function offeredHashes(works: readonly Work[]): Set<string> {
  return new Set(works.flatMap(({ survey }) => survey.offered.map(({ sha256 }) => sha256)));
}

/** Plans how the chosen version becomes the visible one. */
export function planWork(system: System, work: Work): void {
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
