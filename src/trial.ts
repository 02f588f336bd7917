/**
 * What a run makes visible is on trial until it was judged. That is written down before, with what a person wants and
 * the version to go back to, so that a run which was killed in between loses neither: the next run judges what is
 * visible, or goes back.
 */
import { type ActivationSet, type Changed, type ExposeStep, mergesHere } from './apply/activate-set.ts';
import { readRecords } from './os/records.ts';
import type { State } from './os/state.ts';
import { rememberChoice } from './remember.ts';
import { recordOf } from './resolve/needed-files.ts';
import type { Step } from './resolve/plan.ts';
import { isRecordedGood } from './resolve/record.ts';
import type { VersionState } from './resolve/resolver.ts';
import { activeInstances, activeVersion, heldVersions, isOnTrial, resolveSurvey, type Survey } from './survey.ts';
import type { System } from './system.ts';
import type { Requests, Work } from './work.ts';

export interface Trials {
  /** What an earlier run has made visible and did not judge. */
  readonly resumed: readonly Changed[];
  /** The state as it was before, for components that fail. */
  readonly before: State;
}

/**
 * Puts into the state what has to be on disk before anything is exposed.
 * @param goesBack whether a person goes back; see UpdateOptions
 */
export function startTrials(
  system: System,
  state: State,
  works: readonly Work[],
  requests: Requests,
  goesBack: boolean,
): Trials {
  const before = structuredClone(state);
  const record = recordOf(readRecords(system.options.root, false), system.os);
  const resumed: Changed[] = [];
  for (const work of works) {
    const { survey } = work;
    const { name } = survey.component;
    const onTrial = isOnTrial(state, survey);
    if (!onTrial) delete state.trials[name];
    if (work.error || !work.plan) continue;
    // A run that was killed under another OS may have meant to try what is known to be good under this one.
    const isGood = isExposedNow(work) && isRecordedGood(record?.components[name], activeInstances(survey));
    const back = onTrial && !isGood ? versionBefore(system, state, work) : undefined;
    if (back) {
      // What was never judged is nothing to go back to.
      work.back = back.version;
      work.plan = { ...work.plan, steps: stepsOver(work.plan.steps, back) };
    }
    const { version } = work.plan;
    if (isExposedNow(work)) {
      const from = (back ?? wayBack(system, state, work))?.version ?? work.plan.from;
      if (!goesBack && from !== undefined && from !== version) state.previous[name] = from;
      // A run that is killed before it exposes leaves what is visible now on trial.
      state.trials[name] = { versions: [...(state.trials[name]?.versions ?? []), version], goesBack };
    } else if (onTrial && version === activeVersion(survey) && mergesHere(system)) {
      if (back) work.plan = { ...work.plan, from: back.version };
      resumed.push({ work, steps: stepsBack(survey, back) });
    }
    rememberChoice(system, state, work, requests);
  }
  return { resumed, before };
}

/** When all is judged: what failed leaves no trace but its bad mark. */
export function endTrials(
  system: System,
  state: State,
  works: readonly Work[],
  { changed }: ActivationSet,
  { before }: Trials,
  goesBack: boolean,
): void {
  for (const work of works) {
    const { name } = work.survey.component;
    const isTried = changed.some((one) => one.work === work) || isExposedNow(work);
    const trial = state.trials[name];
    // Without a merge, a later run judges; in a tree that does not run, nobody ever does.
    if (isTried && (mergesHere(system) || system.options.root !== '')) delete state.trials[name];
    else if (trial) state.trials[name] = { ...trial, goesBack: false };
    if (work.error && work.plan) restore(state, before, name);
    // What is left is no way back any more.
    else if (goesBack && work.plan) delete state.previous[name];
  }
}

function isExposedNow({ moment, plan }: Work): boolean {
  return moment === 'now' && plan?.steps.some(({ step }) => step === 'expose') === true;
}

/** Where what is visible now is of no use (damaged, or for another OS), something else that is. */
function wayBack(system: System, state: State, work: Work): VersionState | undefined {
  const from = work.resolution?.versions.find(({ version }) => version === work.plan?.from);
  const isUsable = from !== undefined && from.compatible === true && !from.bad;
  return isUsable ? undefined : versionBefore(system, state, work);
}

/**
 * What a component goes back to when its active version turns out not to be well: what was active before, if it fits
 * this OS, else the newest other version that does.
 */
export function versionBefore(
  system: System,
  state: State,
  { survey, resolution }: Pick<Work, 'survey' | 'resolution'>,
): VersionState | undefined {
  const { name } = survey.component;
  const tried = [resolution?.active, resolution?.chosen?.version];
  // What came in with a failed OS may have been visible last, and is nothing to go back to.
  const heldOut = heldVersions(system, state, name);
  const usable = resolveSurvey(system, state, survey).versions.filter(
    ({ version, complete, compatible, bad }) =>
      !tried.includes(version) && !heldOut.has(version) && complete && compatible === true && !bad,
  );
  const previous = state.previous[name];
  return usable.find(({ version }) => version === previous) ?? usable.find(({ held }) => !held);
}

/** The same steps, but for what they are taken back to. */
function stepsOver(steps: readonly Step[], back: VersionState): Step[] {
  return steps.map((step) => {
    const before = step.step === 'expose' ? back.installed.get(step.transfer.id)?.name : undefined;
    return before === undefined ? step : { ...step, previous: before };
  });
}

/** What a person decided and what was to go back to, as they were. */
function restore(state: State, before: State, name: string): void {
  copyEntry(state.previous, before.previous, name);
  copyEntry(state.pinned, before.pinned, name);
  copyEntry(state.held, before.held, name);
  for (const [identity, held] of Object.entries(state.heldFor)) copyEntry(held, before.heldFor[identity] ?? {}, name);
}

function copyEntry<T>(to: Record<string, T>, from: Readonly<Record<string, T>>, name: string): void {
  const value = from[name];
  if (value === undefined) delete to[name];
  else to[name] = value;
}

/** The steps that led here, so that they can be taken back. */
function stepsBack({ component, activeNames }: Survey, back: VersionState | undefined): ExposeStep[] {
  return component.transfers.flatMap((transfer) => {
    const fileName = activeNames.get(transfer.id);
    const before = back?.installed.get(transfer.id)?.name;
    if (fileName === undefined) return [];
    return [{ step: 'expose' as const, transfer, fileName, ...(before === undefined ? {} : { previous: before }) }];
  });
}
