/**
 * After a merge: services that mount an image themselves are made to see the new one, units are restarted or reloaded
 * where that is ours to do, health is awaited, and what is not well goes back to the version before, with its image
 * marked bad.
 */
import { ActivationError, type ErrorReport, reportOf } from '../errors.ts';
import { hasBootDropIn } from '../os/boot-drop-in.ts';
import type { State } from '../os/state.ts';
import { releaseFieldsOf } from '../resolve/compatibility.ts';
import { imageNameOf } from '../resolve/exposure.ts';
import { addBadMark } from '../resolve/marks.ts';
import { planUnitActions, type Replacement, unitsToWatch } from '../resolve/unit-actions.ts';
import { bringBack, type RefreshedServices, refreshServices } from '../services/refresh-services.ts';
import type { System } from '../system.ts';
import type { ImageFacts, ReleaseFields, Transfer } from '../types.ts';
import type { DoneAction, Work } from '../work.ts';
import { type ActivationSet, type Changed, mergesHere, takeBack, withdraw } from './activate-set.ts';
import { actOnUnits, checkHealth, systemdVersion } from './health.ts';
import { type OwnProgram, tryOwnProgram } from './own-program.ts';

/** How health is judged: after an update, or after a boot. */
export interface HealthOptions {
  /** Whether units are restarted and reloaded first; a boot has started them already. */
  readonly actOnUnits: boolean;
  /** Why a component is known to have failed already. */
  readonly knownFailure?: (work: Work) => string | undefined;
  /** The program itself, where some of the components bring it. */
  readonly own?: OwnProgram | undefined;
  /** The version that a component goes back to; undefined when there is none. */
  readonly backTo: (work: Work) => string | undefined;
}

/**
 * Sees to the health of what an update activated; a failure becomes the error of its component.
 * @param own the program itself, where some of it brings that
 */
export async function keepHealthy(
  system: System,
  state: State,
  set: ActivationSet,
  done: DoneAction[],
  own: OwnProgram | undefined,
): Promise<void> {
  const changed = set.changed.filter(({ work }) => work.error === undefined);
  await judgeHealth(system, state, { changed }, done, {
    actOnUnits: true,
    own,
    backTo: ({ plan, back }) => back ?? plan?.from,
  });
}

/** Judges the health of what is active; what is sick goes back to the version before, all of it in one refresh. */
export async function judgeHealth(
  system: System,
  state: State,
  { changed }: ActivationSet,
  done: DoneAction[],
  options: HealthOptions,
): Promise<void> {
  if (!mergesHere(system) || changed.length === 0) return;
  const names = changed.map(({ work }) => work.survey.component.name).join(', ');
  system.options.reporter.phase(`looking after the health of ${names}`);
  const replacements = new Map(changed.map((one) => [one, replacementsOf(system, one)]));
  const services = options.actOnUnits ? await refreshServices(system, state, changed) : undefined;
  if (options.actOnUnits) {
    const unknown = await act([...replacements.values()].flat(), services);
    for (const [{ work }, own] of replacements) {
      for (const unit of own.flatMap(({ reloadUnits }) => reloadUnits).filter((one) => unknown.includes(one)))
        system.options.reporter.notice(work.survey.component.name, `ReloadUnits=${unit}: there is no such unit`);
    }
    await warnOfHang(system, replacements);
  }
  const verdicts = await Promise.all(
    changed.map(async (one) => {
      const why =
        options.knownFailure?.(one.work) ??
        services?.failures.get(one.work) ??
        (options.own?.works.has(one.work) ? await tryOwnProgram(system, options.own) : undefined) ??
        (await judge(one, replacements.get(one) ?? [], services?.acted.get(one.work) ?? []));
      return { one, why };
    }),
  );
  const sick = verdicts.flatMap(({ one, why }) => (why === undefined ? [] : [{ one, why }]));
  if (sick.length === 0) return;

  for (const { one, why } of sick) markUnhealthy(system, state, one.work, why);
  const back = sick.map(({ one }) => ({ one, version: options.backTo(one.work) }));
  const movable = back.filter(({ one }) => one.steps.some(({ fileName, previous }) => fileName !== previous));
  const failure =
    movable.length > 0
      ? await takeBack(
          system,
          movable.map(({ one }) => one),
        )
      : undefined;
  await act(movable.flatMap(({ one }) => (replacements.get(one) ?? []).map(reversed)));
  await refreshServices(
    system,
    state,
    movable.map(({ one }) => one),
  );
  await bringBack(movable.flatMap(({ one }) => services?.acted.get(one.work) ?? []));
  for (const [index, { one, why }] of sick.entries()) {
    const isMoved = movable.some((moved) => moved.one === one);
    const version = back[index]?.version;
    const after =
      failure !== undefined
        ? `going back failed: ${failure}`
        : !isMoved
          ? 'there is nothing to go back to, it stays'
          : version === undefined
            ? 'it was taken out again'
            : `${version} is back`;
    one.work.error = unhealthy(one.work, why, after);
    withdraw(done, one.work.survey.component.name);
  }
}

/**
 * Does with units what is asked for, where systemd does not do it by itself.
 * @param services those that were reloaded already
 * @returns units that there are not
 */
async function act(replacements: readonly Replacement[], services?: RefreshedServices): Promise<string[]> {
  const asks = replacements.some(({ before, after, reloadUnits }) => {
    const keys = [...Object.keys(before ?? {}), ...Object.keys(after ?? {})];
    return reloadUnits.length > 0 || keys.some((key) => /^EXTENSION_(RESTART|RELOAD_OR_RESTART)_UNITS$/.test(key));
  });
  if (!asks) return [];
  const { restart, reloadOrRestart } = planUnitActions(replacements, await systemdVersion());
  const reloaded = [...(services?.acted.values() ?? [])].flat();
  return actOnUnits({ restart, reloadOrRestart: reloadOrRestart.filter((unit) => !reloaded.includes(unit)) });
}

/** The first systemd that restarts units for extensions, at boot too, where it waits for itself. */
const SYSTEMD_HANGS_SINCE = 262;

/** Tells of an image with which systemd would hang at the next boot, where nothing has been done about it. */
async function warnOfHang(system: System, replacements: ReadonlyMap<Changed, readonly Replacement[]>): Promise<void> {
  const risky = [...replacements].filter(
    ([, own]) => unitsToWatch(own.map(({ after }) => ({ after, reloadUnits: [] }))).length > 0,
  );
  if (risky.length === 0 || (await systemdVersion()) < SYSTEMD_HANGS_SINCE) return;
  if (hasBootDropIn()) return;
  for (const [{ work }] of risky) {
    system.options.reporter.notice(
      work.survey.component.name,
      `its image names units to restart, for which systemd ${SYSTEMD_HANGS_SINCE} waits forever at boot; "extupdate doctor" says what helps`,
    );
  }
}

/** @param services those that were reloaded, and so have to go on running */
function judge(
  { work }: Changed,
  replacements: readonly Replacement[],
  services: readonly string[],
): Promise<string | undefined> {
  const { healthCheck, healthTimeoutSec } = work.survey.component.settings;
  const units = [...new Set([...unitsToWatch(replacements), ...services])];
  return checkHealth({ units, running: services, check: healthCheck, timeoutSec: healthTimeoutSec });
}

/** Marks the images of a component's new version as bad. */
function markUnhealthy({ os }: System, state: State, { plan, resolution, survey }: Work, why: string): void {
  const { name } = survey.component;
  const mark = { component: name, version: plan?.version ?? '', reason: `not healthy: ${why}` };
  const images = [...(resolution?.chosen?.installed.values() ?? []), ...(resolution?.chosen?.offered.values() ?? [])];
  for (const { sha256 } of images) {
    if (sha256 !== undefined) state.bad[sha256] = addBadMark(state.bad[sha256], mark, os.identity);
  }
}

/** @param after what happened to it */
function unhealthy({ plan, survey }: Work, why: string, after: string): ErrorReport {
  const { name } = survey.component;
  return reportOf(
    new ActivationError(`${name}: version ${plan?.version} is not healthy: ${why}; ${after}`, {
      next: `a newer version is tried by itself; "extupdate unhold ${name}" lets this one be tried again`,
    }),
  );
}

function reversed({ before, after, reloadUnits }: Replacement): Replacement {
  return { before: after, after: before, reloadUnits };
}

function replacementsOf(system: System, { work, steps }: Changed): Replacement[] {
  const { settings } = work.survey.component;
  const replacements = steps.map(({ transfer, fileName, previous }) => ({
    before:
      previous === undefined ? undefined : fieldsOf(transfer, previous, factsOfFile(system, work, transfer, previous)),
    after: fieldsOf(transfer, fileName, factsOfFile(system, work, transfer, fileName)),
    reloadUnits: [],
  }));
  return [...replacements, { reloadUnits: settings.reloadUnits }];
}

/** What is known of a file that was here before, or that this run brought. */
function factsOfFile(system: System, work: Work, transfer: Transfer, fileName: string): ImageFacts | undefined {
  const here = work.survey.installed.find(({ transferId, name }) => transferId === transfer.id && name === fileName);
  if (here?.facts) return here.facts;
  const step = work.plan?.steps.find((one) => one.step === 'install' && one.transfer === transfer);
  return step?.step === 'install' ? system.facts.get(step.instance.sha256) : undefined;
}

function fieldsOf(transfer: Transfer, fileName: string, facts: ImageFacts | undefined): ReleaseFields | undefined {
  return facts && releaseFieldsOf(facts, { kind: transfer.kind, imageName: imageNameOf(transfer, fileName) });
}
