/** `rollback`, `hold` and `unhold`: a person decides which version it is to be. All of it works without a network. */
import { UnsuitableError, UsageError } from './errors.ts';
import { withLocks } from './locks.ts';
import { type HistoryEntry, readHistory } from './os/history.ts';
import { readState, type State, writeState } from './os/state.ts';
import { isOnTrial, rememberRun } from './remember.ts';
import type { VersionState } from './resolve/resolver.ts';
import { activeVersion, heldVersions, requireVersion, resolveSurvey, type Survey, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import { planUpdate, update } from './update.ts';
import { newestFirst } from './version/compare.ts';
import type { DoneAction, Requests, UpdateResult } from './work.ts';

/**
 * Goes back to the version before, of the components that were named, or of everything that the last run changed. What
 * is newer stays held until something newer still appears.
 * @throws UnsuitableError when there is nothing to go back to
 */
export async function rollback(
  system: System,
  names: readonly string[],
  { dryRun }: { readonly dryRun: boolean },
): Promise<UpdateResult> {
  const state = readState(system.options.root, false);
  const surveys = await surveyAll(system, state, { sources: false });
  const undone = names.length === 0 ? lastChange(system) : undefined;
  const requests = new Map<string, string>();
  for (const survey of surveys) {
    const { name } = survey.component;
    const wanted = undone ? undone.from.get(name) : previousVersion(system, state, survey);
    if (undone && wanted === undefined) continue;
    if (wanted === undefined || !isInstalled(system, state, survey, wanted)) {
      throw new UnsuitableError(`${name}: there is no version to go back to`, {
        next: `"extupdate list ${name}" shows what is here; "extupdate apply ${name}@VERSION" takes any of them`,
      });
    }
    requests.set(name, wanted);
  }
  if (requests.size === 0)
    throw new UnsuitableError('there is nothing to go back to', { next: 'see extupdate history' });
  const selected = {
    ...system.definitions,
    components: surveys.map(({ component }) => component).filter(({ name }) => requests.has(name)),
  };
  const offline = { ...system, definitions: selected, options: { ...system.options, offline: true } };
  if (dryRun) return planUpdate(offline, requests, { sources: false });
  return update(offline, requests, {
    command: 'rollback',
    sources: false,
    now: true,
    activate: true,
    goesBack: true,
    ...(undone ? { undoes: undone.at } : {}),
  });
}

/** The last run that changed what is active and was not taken back yet, and what each component was at before. */
function lastChange(system: System): { readonly at: string; readonly from: ReadonlyMap<string, string> } {
  const entries = readHistory(system.options.root).filter(({ os }) => os === system.os.name);
  const undone = new Set(entries.flatMap(({ undoes }) => undoes ?? []));
  const entry = entries.findLast((one) => one.undoes === undefined && !undone.has(one.at) && changesOf(one).size > 0);
  if (!entry) throw new UnsuitableError('there is nothing to go back to', { next: 'see extupdate history' });
  return { at: entry.at, from: changesOf(entry) };
}

function changesOf({ command, done }: HistoryEntry): Map<string, string> {
  if (command === 'select' || command === 'rollback') return new Map();
  const visible = done.filter(({ action }) => action === 'activate' || action === 'expose');
  return new Map(visible.flatMap(({ component, from }) => (from === null ? [] : [[component, from]])));
}

/** What was active before; where that is not known any more, the newest older one that fits. */
function previousVersion(system: System, state: State, survey: Survey): string | undefined {
  const active = activeVersion(survey);
  // What a killed rollback has made visible is where it wanted to go.
  if (isOnTrial(state, survey) && state.trials[survey.component.name]?.goesBack) return active;
  const remembered = state.previous[survey.component.name];
  const usable = usableVersions(system, state, survey).map(({ version }) => version);
  if (remembered !== undefined && remembered !== active && usable.includes(remembered)) return remembered;
  return usable.find((version) => active === undefined || newestFirst(version, active) > 0);
}

function isInstalled(system: System, state: State, survey: Survey, version: string): boolean {
  return usableVersions(system, state, survey).some((one) => one.version === version);
}

/** Installed versions that fit and are not known to be bad, newest first; held ones too. */
function usableVersions(system: System, state: State, survey: Survey): VersionState[] {
  return resolveSurvey(system, state, survey).versions.filter(
    ({ complete, compatible, bad }) => complete && compatible !== false && !bad,
  );
}

/**
 * Holds components: at the version that is active, or at those named.
 * @throws UsageError for a component without an active version, when none is named, and for a version that is not known
 */
export async function hold(
  system: System,
  requests: Requests,
  options: { readonly dryRun: boolean },
): Promise<UpdateResult> {
  return changeHolds(system, 'hold', options, async (state, done) => {
    // With the saved lists, so that a version that nobody has ever seen is noticed.
    const surveys = await surveyAll(system, state, { sources: requests.size > 0 });
    for (const survey of surveys) {
      const { name } = survey.component;
      const version = requests.get(name) ?? activeVersion(survey);
      if (version === undefined) {
        throw new UsageError(`${name}: no version is active`, { next: `name one: extupdate hold ${name}@VERSION` });
      }
      if (requests.has(name)) requireVersion(resolveSurvey(system, state, survey, version), version);
      if (state.pinned[name] === version) continue;
      state.pinned[name] = version;
      done.push({ component: name, action: 'hold', version, from: activeVersion(survey) ?? null });
    }
  });
}

/** Releases components: from a hold, from what a rollback or a failed OS update keeps out, and from bad marks. */
export async function unhold(system: System, options: { readonly dryRun: boolean }): Promise<UpdateResult> {
  return changeHolds(system, 'unhold', options, async (state, done) => {
    for (const { name } of system.definitions.components) {
      const bad = Object.entries(state.bad).filter(([, { component }]) => component === name);
      const released = new Set([
        ...(state.pinned[name] === undefined ? [] : [state.pinned[name]]),
        ...heldVersions(system, state, name),
        ...bad.map(([, { version }]) => version),
      ]);
      delete state.pinned[name];
      delete state.held[name];
      delete state.heldFor[system.os.identity]?.[name];
      for (const [sha256] of bad) delete state.bad[sha256];
      for (const version of released) done.push({ component: name, action: 'unhold', version, from: null });
    }
  });
}

async function changeHolds(
  system: System,
  command: 'hold' | 'unhold',
  { dryRun }: { readonly dryRun: boolean },
  change: (state: State, done: DoneAction[]) => Promise<void>,
): Promise<UpdateResult> {
  const { root } = system.options;
  if (dryRun) {
    const done: DoneAction[] = [];
    await change(readState(root, false), done);
    return { resolutions: [], plans: [], done, errors: [] };
  }
  return withLocks(system, ['root'], command, async () => {
    const state = readState(root, true);
    const done: DoneAction[] = [];
    await change(state, done);
    await writeState(root, state);
    const result: UpdateResult = { resolutions: [], plans: [], done, errors: [] };
    await rememberRun(system, command, result);
    return result;
  });
}
