/**
 * THE STORY: definitions -> what is offered and what is here -> resolve -> acquire -> install -> test -> expose ->
 * activate -> health -> record -> prune. Each component goes on or fails alone; systemd is told once.
 */
import { doesNotFit, nothingFits } from './acquire.ts';
import { activateSet, mergesHere } from './apply/activate-set.ts';
import { exposeAll } from './apply/expose-planned.ts';
import { hideTurnedOff, turnedOffComponents } from './apply/hide-turned-off.ts';
import { hideWithdrawn, noteWithdrawn } from './apply/hide-withdrawn.ts';
import { keepHealthy } from './apply/keep-healthy.ts';
import { makeRoomFor, makeWantedRoom } from './apply/make-room.ts';
import { findOwnProgram } from './apply/own-program.ts';
import { pruneAll, removeLeftovers } from './apply/prune.ts';
import { rehearseOwnProgram } from './apply/rehearse-own-program.ts';
import { requestReboot } from './apply/request-reboot.ts';
import { screenSet } from './apply/screen-set.ts';
import { noteBoot } from './boot.ts';
import { eachWork, resultOf, underAll } from './each-work.ts';
import { reportOf } from './errors.ts';
import { withLocks } from './locks.ts';
import { readState, type State, writeState } from './os/state.ts';
import { warnOfSysupdate } from './os/sysupdate-timer.ts';
import { republishedFailure } from './publisher-changes.ts';
import { recordRun, rememberRun, waitsForBoot } from './remember.ts';
import { settle } from './settle.ts';
import { acquireAll, begin, installAll, offeredHashes, planWork } from './stages.ts';
import { requireVersion } from './survey.ts';
import type { System } from './system.ts';
import { endTrials, startTrials } from './trial.ts';
import type { DoneAction, Requests, UpdateResult, Work } from './work.ts';

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
  await screenSet(system, state, works, done);
  await rehearseOwnProgram(system, state, works, done);
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
