/** `rollback`, `hold` and `unhold`: a person decides which version it is to be. All of it works without a network. */
import { StorageError, UnsuitableError, UsageError } from './errors.ts';
import { withLocks } from './locks.ts';
import { type HistoryEntry, readHistory } from './os/history.ts';
import { readState, type State, writeState } from './os/state.ts';
import { rememberRun } from './remember.ts';
import type { VersionState } from './resolve/resolver.ts';
import {
  activeVersion,
  heldVersions,
  isOnTrial,
  requireVersion,
  resolveSurvey,
  type Survey,
  surveyAll,
} from './survey.ts';
import type { System } from './system.ts';
import { planUpdate, updateLocked } from './update.ts';
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
  if (dryRun) {
    const { view, requests } = await wayBack(system, names);
    return planUpdate(view, requests, { sources: false });
  }
  // What there is to go back to is known when nobody else is at work.
  return withLocks(system, ['root', 'staging'], 'rollback', async () => {
    const { view, requests, undoes } = await wayBack(system, names);
    return updateLocked(view, requests, {
      command: 'rollback',
      sources: false,
      now: true,
      activate: true,
      goesBack: true,
      ...(undoes === undefined ? {} : { undoes }),
    });
  });
}

/** Which versions to go back to, and the system with those components only. */
async function wayBack(system: System, names: readonly string[]) {
  const state = readState(system.options.root, false);
  const surveys = await surveyAll(system, state, { sources: false });
  const undone = names.length === 0 ? lastChange(system) : undefined;
  const requests = new Map<string, string>();
  for (const survey of surveys) {
    const { name } = survey.component;
    if (undone && !undone.from.has(name)) continue;
    if (survey.unreadable) throw new StorageError(survey.unreadable.message);
    const wanted = undone ? undone.from.get(name) : previousVersion(system, state, survey);
    if (!wanted || !isInstalled(system, state, survey, wanted)) {
      const why = undone && !wanted ? 'it was not there before the last change' : 'there is no version to go back to';
      throw new UnsuitableError(`${name}: ${why}`, {
        next:
          names.length > 0
            ? `"extupdate list ${name}" shows what there is; "extupdate apply ${name}@VERSION" takes one of it`
            : `"extupdate list ${name}" shows what is here; "extupdate rollback NAME" goes back with one component`,
      });
    }
    requests.set(name, wanted);
  }
  const components = system.definitions.components.filter(({ name }) => requests.has(name));
  const view: System = {
    ...system,
    definitions: { ...system.definitions, components },
    options: { ...system.options, offline: true },
  };
  return { view, requests, undoes: undone?.at };
}

/** The last run that changed what is active and was not taken back yet, and what each component was at before. */
function lastChange(system: System): { readonly at: string; readonly from: ReadonlyMap<string, string | null> } {
  const known = new Set(system.definitions.components.map(({ name }) => name));
  const entries = readHistory(system.options.root).filter(({ os }) => os === system.os.name);
  const undone = new Set(entries.flatMap(({ undoes }) => undoes ?? []));
  const entry = entries.findLast(
    (one) =>
      one.undoes === undefined && !undone.has(one.at) && [...changesOf(one).keys()].some((name) => known.has(name)),
  );
  if (!entry) throw new UnsuitableError('there is nothing to go back to', { next: 'see extupdate history' });
  return { at: entry.at, from: changesOf(entry) };
}

/** By component the version before; null when there was none. */
function changesOf({ command, done }: HistoryEntry): Map<string, string | null> {
  if (command === 'select' || command === 'rollback') return new Map();
  const visible = done.filter(({ action }) => action === 'activate' || action === 'expose');
  return new Map(visible.map(({ component, from }) => [component, from]));
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
      const wasOut = release(state, system.os.identity, name, version);
      if (state.pinned[name] === version && !wasOut) continue;
      state.pinned[name] = version;
      done.push({ component: name, action: 'hold', version, from: activeVersion(survey) ?? null });
    }
  });
}

/** What a person names is wanted: what kept it out until now is over. @returns whether there was something */
function release(state: State, identity: string, name: string, version: string): boolean {
  const bad = Object.entries(state.bad).filter(([, mark]) => mark.component === name && mark.version === version);
  for (const [sha256] of bad) delete state.bad[sha256];
  let wasHeld = false;
  for (const held of [state.held, state.heldFor[identity] ?? {}]) {
    const rest = held[name]?.filter((one) => one !== version);
    if (rest === undefined || rest.length === held[name]?.length) continue;
    wasHeld = true;
    if (rest.length > 0) held[name] = rest;
    else delete held[name];
  }
  return wasHeld || bad.length > 0;
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
