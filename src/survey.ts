/** What is offered, what is here, and what follows from both, for one component; nothing is changed. */
import { mapLimit } from './concurrency.ts';
import { isTurnedOff } from './definition/features.ts';
import { type ErrorReport, NetworkError, reportOf, StorageError, UsageError } from './errors.ts';
import { noticeRepublished } from './notices.ts';
import type { State } from './os/state.ts';
import { markRepublished, withdrawnOf } from './publisher-changes.ts';
import { isBadUnder } from './resolve/marks.ts';
import { planComponent } from './resolve/plan.ts';
import { type Resolution, resolve, type VersionState } from './resolve/resolver.ts';
import type { System } from './system.ts';
import { isExposed } from './target/active.ts';
import { activeNames } from './target/active-names.ts';
import { listInstalled } from './target/list-installed.ts';
import { fileNameOf } from './target/paths.ts';
import type { Component, InstalledInstance, OfferedInstance } from './types.ts';
import { isSameVersion } from './version/compare.ts';

export interface Survey {
  readonly component: Component;
  readonly offered: readonly OfferedInstance[];
  readonly installed: readonly InstalledInstance[];
  /** File name of what systemd sees, by transfer. */
  readonly activeNames: ReadonlyMap<string, string>;
  /** Installed versions that their source has taken back; undefined when that is not known now. */
  readonly withdrawn?: ReadonlySet<string>;
  /** Why the source could not be asked; what is installed is known all the same. */
  readonly failure?: ErrorReport;
  /** Why it cannot be told what is installed: then nothing is done about the component. */
  readonly unreadable?: ErrorReport;
}

/** Components that are surveyed at the same time: each holds a list of up to a megabyte. */
const SURVEYS_AT_ONCE = 3;

/** Surveys all selected components side by side; of one that its features turn off, no version is wanted. */
export function surveyAll(system: System, state: State, options: { readonly sources: boolean }): Promise<Survey[]> {
  return surveyEach(system, state, options, async (survey) => survey);
}

/** The same, when only what a survey comes to is wanted: many components have more to them than fits into memory. */
export function surveyEach<T>(
  system: System,
  state: State,
  options: { readonly sources: boolean },
  reduce: (survey: Survey) => Promise<T>,
): Promise<T[]> {
  const wanted = system.definitions.components.filter((component) => !isTurnedOff(component));
  return mapLimit(wanted, SURVEYS_AT_ONCE, async (component) =>
    reduce(await surveyComponent(system, state, component, options)),
  );
}

async function surveyComponent(
  system: System,
  state: State,
  component: Component,
  options: { readonly sources: boolean },
): Promise<Survey> {
  // Together, so that a signal that ends the one does not go unheard while the other is waited for.
  const [{ offered, listed, ...failed }, here] = await Promise.all([
    options.sources ? ask(system, component) : { offered: [], listed: false },
    look(system, state, component),
  ]);
  const survey: Survey = {
    component,
    ...here,
    offered: offered.map((instance) => markRepublished(system, component, instance, here.installed)),
    ...(listed ? { withdrawn: withdrawnOf(system, component, offered, here.installed) } : {}),
    ...failed,
  };
  noticeRepublished(system, survey);
  return survey;
}

/** What the sources offer, or why that is not known. */
async function ask(
  system: System,
  component: Component,
): Promise<Pick<Survey, 'offered' | 'failure'> & { readonly listed: boolean }> {
  const { signal, offline, reporter } = system.options;
  try {
    return { offered: await listOfferedOf(system, component), listed: true };
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!offline || !(error instanceof NetworkError)) return { offered: [], listed: false, failure: reportOf(error) };
    reporter.notice(component.name, error.message);
    return { offered: [], listed: false };
  }
}

/** What is installed, or why that cannot be told. */
async function look(
  system: System,
  state: State,
  component: Component,
): Promise<Pick<Survey, 'installed' | 'activeNames' | 'unreadable'>> {
  try {
    return await surveyInstalled(system, state, component);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const { message, ...report } = reportOf(error);
    const unreadable = { ...report, message: `${component.name}: ${message}` };
    return { installed: [], activeNames: new Map(), unreadable };
  }
}

async function surveyInstalled(
  system: System,
  state: State,
  { name, transfers }: Component,
): Promise<Pick<Survey, 'installed' | 'activeNames'>> {
  const {
    options: { root },
    host,
  } = system;
  const lists = await Promise.all(transfers.map((transfer) => listInstalled(root, transfer, state)));
  const here = transfers.map((transfer, index) => ({ transfer, installed: lists[index] ?? [] }));
  const isWanted = wantedIn(system, state, name);
  return {
    installed: lists.flat(),
    activeNames: activeNames(root, here, host.release.architecture, isWanted),
  };
}

async function listOfferedOf(system: System, component: Component): Promise<OfferedInstance[]> {
  const { name, transfers } = component;
  const notice = (text: string) => system.options.reporter.notice(name, text);
  const lists = await Promise.all(
    transfers.map((transfer) => system.sources.of(transfer).list(transfer, component, notice)),
  );
  return lists.flat();
}

/** Resolves a component with what is known now. */
export function resolveSurvey(system: System, state: State, survey: Survey, requested?: string): Resolution {
  const active = activeVersion(survey);
  return resolve({
    component: survey.component,
    host: system.host.release,
    offered: survey.offered,
    installed: survey.installed,
    ...(active === undefined ? {} : { active }),
    factsOf: (sha256) => system.facts.get(sha256),
    held: heldVersions(system, state, survey.component.name),
    ...(state.pinned[survey.component.name] === undefined ? {} : { pinned: state.pinned[survey.component.name] }),
    bad: badImages(system, state),
    withdrawn: survey.withdrawn ?? new Set(state.withdrawn[survey.component.name] ?? []),
    ...(system.options.acceptRepublished ? { acceptRepublished: true } : {}),
    fileNameOf,
    ...(requested === undefined ? {} : { requested }),
  });
}

/** The versions that are kept out of a component: everywhere, or out of this OS. */
export function heldVersions(system: System, state: State, component: string): Set<string> {
  return new Set([...(state.held[component] ?? []), ...(state.heldFor[system.os.identity]?.[component] ?? [])]);
}

/** Which versions of a component nobody keeps out. */
export function wantedIn(system: System, state: State, component: string): (version: string) => boolean {
  const pinned = state.pinned[component];
  const held = heldVersions(system, state, component);
  const withdrawn = state.withdrawn[component] ?? [];
  return (version) => (pinned === undefined ? !held.has(version) && !withdrawn.includes(version) : version === pinned);
}

/** The images that failed under this OS, and why, by SHA-256. */
function badImages(system: System, state: State): Map<string, string> {
  const marks = Object.entries(state.bad).filter(([, mark]) => isBadUnder(mark, system.os.identity));
  return new Map(marks.map(([sha256, { reason }]) => [sha256, reason]));
}

/** Whether any version of the component is visible now, whatever it is for. */
export function isVisible({ activeNames }: Survey): boolean {
  return activeNames.size > 0;
}

/** What each transfer has exposed, in their order. */
export function activeInstances({ component, activeNames, installed }: Survey): (InstalledInstance | undefined)[] {
  return component.transfers.map(({ id }) =>
    installed.find(({ transferId, name }) => transferId === id && name === activeNames.get(id)),
  );
}

/** The version that all transfers have exposed; undefined when they differ. */
export function activeVersion(survey: Survey): string | undefined {
  const versions = activeInstances(survey).map((instance) => instance?.version);
  const [first] = versions;
  return versions.every((version) => version !== undefined && first !== undefined && isSameVersion(version, first))
    ? first
    : undefined;
}

/** Whether the visible version was exposed by a run that did not get to judge it. */
export function isOnTrial(state: State, survey: Survey): boolean {
  const active = activeVersion(survey);
  return active !== undefined && state.trials[survey.component.name]?.versions.includes(active) === true;
}

/** The steps that make a resolution's choice the visible version. */
export function planFor(system: System, survey: Survey, resolution: Resolution, chosen: VersionState) {
  return planComponent(resolution, chosen, fileNameOf, (transfer) => ({
    active: survey.activeNames.get(transfer.id),
    isExposed: (name) => isExposed(system.options.root, transfer, name, system.host.release.architecture),
  }));
}

/** What is already at hand of a version that is not installed: all of it, a part, nothing. */
export function stagedState(
  system: System,
  { transfers }: Component,
  { available, offered, installed }: VersionState,
): { partial: boolean; pending: boolean } {
  const missing = transfers.flatMap((transfer) => {
    const instance = installed.has(transfer.id) ? undefined : offered.get(transfer.id);
    return instance ? [{ instance, source: system.sources.of(transfer) }] : [];
  });
  const isStaged = ({ instance, source }: (typeof missing)[number]) => source.payload(instance)?.staged === true;
  return {
    pending: missing.length > 0 && available && missing.every(isStaged),
    partial: missing.some(({ instance, source }) => source.isPartial(instance)),
  };
}

/** Whether the payload of an instance is on this machine. */
export function isAtHand(system: System, { transfers }: Component, instance: OfferedInstance): boolean {
  const transfer = transfers.find(({ id }) => id === instance.transferId);
  return transfer !== undefined && system.sources.of(transfer).payload(instance) !== undefined;
}

/** @throws UsageError when the version that was asked for does not exist */
export function requireVersion(resolution: Resolution, requested: string): void {
  if (resolution.versions.some(({ version }) => isSameVersion(version, requested))) return;
  const known = resolution.versions.map(({ version }) => version).slice(0, 8);
  throw new UsageError(`${resolution.component.name}: there is no version ${requested}`, {
    next: known.length > 0 ? `known: ${known.join(', ')}` : 'nothing is offered and nothing is installed',
  });
}
