import { reportOf } from '../errors.ts';
import { noticePreReleases, noticeWithdrawn } from '../notices.ts';
import { readState } from '../os/state.ts';
import { republishedFailure } from '../publisher-changes.ts';
import type { Resolution } from '../resolve/resolver.ts';
import type { SeenService } from '../services/services-seen.ts';
import { learnForList, settle } from '../settle.ts';
import { resolveSurvey, type Survey, stagedState, surveyAll, surveyEach } from '../survey.ts';
import type { RunOptions, System } from '../system.ts';
import type { Requests } from '../work.ts';
import { documentOf, type Outcome, planOnly, requireManaged, withSystem } from './outcome.ts';
import { sysupdateList, sysupdateVersion } from './sysupdate-document.ts';

/** Lists versions: what is offered, what is here, and why a version is not chosen. */
export function list(run: RunOptions, version?: string): Promise<Outcome> {
  return withSystem(run, async (system) => {
    const state = readState(run.root, false);
    const surveys = await surveyAll(system, state, { sources: true });
    await Promise.all(surveys.map((survey) => learnForList(system, state, survey)));
    const resolutions = surveys.map((survey) => resolveSurvey(system, state, survey));
    await system.facts.save(new Set(surveys.flatMap(({ offered }) => offered.map(({ sha256 }) => sha256))));
    return { resolutions, errors: surveys.flatMap(failureOf), ...listingOf(system, resolutions, version) };
  });
}

/** What systemd-sysupdate prints for one component, or for one version of it. */
function listingOf(system: System, [resolution, ...others]: readonly Resolution[], version: string | undefined) {
  if (!resolution || others.length > 0 || system.options.components.length !== 1) return {};
  const state = resolution.versions.find((one) => one.version === version);
  if (version === undefined) return { listing: sysupdateList(resolution) };
  return state
    ? { listing: sysupdateVersion(resolution, state, stagedState(system, resolution.component, state)) }
    : {};
}

/** Says what `apply` would change to; looks at no more images than it has to. */
export function check(run: RunOptions): Promise<Outcome> {
  return withSystem(run, async (system) => {
    const state = readState(run.root, false);
    const { nothingFits } = await import('../acquire.ts');
    const offered = new Set<string>();
    const found = await surveyEach(system, state, { sources: true }, async (survey) => {
      const resolution = await settle(system, state, survey);
      for (const { sha256 } of survey.offered) offered.add(sha256);
      noticePreReleases(system, resolution);
      noticeWithdrawn(system, survey, resolution);
      const isKnown = !survey.failure && !survey.unreadable;
      const unfit = isKnown ? (nothingFits(system, resolution) ?? republishedFailure(resolution)) : undefined;
      const errors = unfit ? [{ component: survey.component.name, ...reportOf(unfit) }] : failureOf(survey);
      return { document: documentOf(system, resolution), errors };
    });
    await system.facts.save(offered);
    return {
      resolutions: [],
      documents: found.map(({ document }) => document),
      errors: found.flatMap(({ errors }) => errors),
    };
  });
}

/** What is installed and visible now; asks no server. */
export function status(run: RunOptions): Promise<Outcome> {
  return withSystem({ ...run, offline: true, lenient: true }, async (system) => {
    const state = readState(run.root, false);
    const surveys = await surveyAll(system, state, { sources: false });
    const { servicesSeen } = await import('../services/services-seen.ts');
    const seen = await servicesSeen(
      system,
      state,
      surveys.map(({ component }) => component),
    );
    noticeUnseen(system, seen);
    return {
      resolutions: surveys.map((survey) => resolveSurvey(system, state, survey)),
      errors: surveys.flatMap(failureOf),
      services: seen.map(({ unit, component, version, exposed }) => ({
        unit,
        component,
        version: version ?? null,
        exposed: exposed ?? null,
      })),
    };
  });
}

/** Tells why the version that a service sees is not known. */
function noticeUnseen({ options: { reporter } }: System, services: readonly SeenService[]): void {
  for (const { unit, component, version, why } of services) {
    if (version !== undefined || why === undefined) continue;
    if (why === 'hidden') reporter.notice('', 'what services see is shown to root only');
    if (why === 'absent') reporter.notice(component, `${unit} does not see it, whatever its settings say`);
    if (why === 'other')
      reporter.notice(component, `${unit} sees a version that is not installed any more, or that cannot be read`);
  }
}

/** How `apply` and `install` go about it. */
export interface ApplyOptions {
  readonly dryRun: boolean;
  /** Whether `Activate=` gives way. */
  readonly now: boolean;
  /** Whether what is installed becomes visible. */
  readonly activate: boolean;
}

/** Acquires, installs, exposes, activates; or says what would be done. */
export function apply(run: RunOptions, requests: Requests, options: ApplyOptions): Promise<Outcome> {
  return updateWith(run, requests, 'apply', options);
}

/** Downloads into staging. */
export function acquireCommand(run: RunOptions, requests: Requests, { dryRun }: ApplyOptions): Promise<Outcome> {
  return withSystem(run, async (system) => {
    requireManaged(system);
    const { acquire, planUpdate } = await import('../update.ts');
    return dryRun ? planOnly(await planUpdate(system, requests)) : await acquire(system, requests);
  });
}

/** Installs what is in staging, without a network. */
export function install(run: RunOptions, requests: Requests, options: ApplyOptions): Promise<Outcome> {
  return updateWith({ ...run, offline: true }, requests, 'install', options);
}

function updateWith(
  run: RunOptions,
  requests: Requests,
  command: string,
  { dryRun, now, activate }: ApplyOptions,
): Promise<Outcome> {
  return withSystem(run, async (system) => {
    requireManaged(system);
    const { planUpdate, update } = await import('../update.ts');
    if (dryRun) return planOnly(await planUpdate(system, requests));
    return update(system, requests, { command, sources: true, now, activate });
  });
}

/** Removes versions that nothing needs, and says why the others stay. */
export function gc(run: RunOptions, dryRun: boolean): Promise<Outcome> {
  return withSystem({ ...run, offline: true }, async (system) => {
    const { collectGarbage } = await import('../gc.ts');
    const { kept, done, errors } = await collectGarbage(system, dryRun);
    return { resolutions: [], errors, done, kept };
  });
}

function failureOf({ component, failure, unreadable }: Survey) {
  const found = unreadable ?? failure;
  return found ? [{ component: component.name, ...found }] : [];
}
