/**
 * `select`, at boot and without a network: every component gets the version that goes with the OS that was booted.
 * Whatever fails, the boot goes on with what is there.
 */
import { isLeftToService, mergesAfterBootUnit, refresh } from './apply/activate.ts';
import { type ActivationSet, kindsToRefresh, mergesHere } from './apply/activate-set.ts';
import { exposeTogether } from './apply/expose-together.ts';
import { findOwnProgram, type OwnProgram } from './apply/own-program.ts';
import { noteBoot } from './boot.ts';
import { eachPlanned, eachWork, resultOf, underAll } from './each-work.ts';
import { reportOf } from './errors.ts';
import { withLocks } from './locks.ts';
import { readBoots } from './os/boot-history.ts';
import { readRecords } from './os/records.ts';
import { readState, type State, writeState } from './os/state.ts';
import { adoptRecord, plannedEntry, rememberRun } from './remember.ts';
import { isSameBoot } from './resolve/boots.ts';
import { recordOf } from './resolve/needed-files.ts';
import { changeRecord, type RecordedComponent } from './resolve/record.ts';
import { type Selection, selectVersion } from './resolve/select.ts';
import { isVisible, planFor, resolveSurvey, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import type { DoneAction, UpdateResult, Work } from './work.ts';

interface SelectWork extends Work {
  selection?: Selection;
}

/** Exposes what the OS's record says, else the newest installed that fits; refreshes once if something else is merged. */
export async function select(system: System, options: { readonly dryRun: boolean }): Promise<UpdateResult> {
  if (options.dryRun || isBootNoted(system)) {
    const works = await decide(system, readState(system.options.root, false));
    if (options.dryRun || (await isInOrder(system, works))) return resultOf(works, []);
  }
  return withLocks(system, ['root'], 'select', async () => {
    const { root } = system.options;
    const state = readState(root, true);
    const done: DoneAction[] = [];
    await noteBoot(system, state);
    const works = await decide(system, state);
    const set = await exposeSelected(system, works, done);
    for (const { work } of set.changed) {
      const { plan } = work;
      if (plan?.from !== undefined && plan.from !== plan.version) state.previous[plan.component.name] = plan.from;
    }
    await tolerate(system, () => writeState(root, state));
    await tolerate(system, () => recordSelected(system, state, works));
    const own = mergesHere(system) ? await findOwnProgram(set.changed) : undefined;
    await refreshOnce(system, works);
    if (own) await tolerate(system, () => keepOwnProgram(system, state, set, own, done));
    await tolerate(system, () => refreshRunning(system, state, set));
    const result = resultOf(works, done);
    await rememberRun(system, 'select', result);
    return result;
  });
}

function isBootNoted({ bootId, os, options: { root } }: System): boolean {
  return bootId === '' || readBoots(root, false).some((boot) => isSameBoot(boot, { bootId, os: os.name }));
}

/** Whether there is nothing to change: then nobody has to be waited for, nor kept waiting. */
async function isInOrder(system: System, works: readonly SelectWork[]): Promise<boolean> {
  const record = recordOf(readRecords(system.options.root, false), system.os);
  return (
    works.every(({ error, plan, survey, selection }) => {
      if (error || !plan) return !error;
      const isKnown = selection?.reason === 'recorded' || selection?.reason === 'waiting';
      const isRecorded = isKnown || record?.components[survey.component.name]?.version === plan.version;
      return plan.steps.length === 0 && isRecorded;
    }) &&
    (!mergesHere(system) || (await kindsToRefresh(works)).length === 0)
  );
}

/** What every component should be at, and the steps that lead there. */
async function decide(system: System, state: State): Promise<SelectWork[]> {
  const record = recordOf(readRecords(system.options.root, true), system.os);
  const surveys = await surveyAll(system, state, { sources: false });
  const works: SelectWork[] = surveys.map((survey) => ({
    survey,
    moment: 'now',
    downloaded: false,
    ready: new Map(),
    ...(survey.unreadable ? { error: survey.unreadable } : {}),
  }));
  await eachWork(works, async (work: SelectWork) => {
    const { name } = work.survey.component;
    const resolution = resolveSurvey(system, state, work.survey);
    const recorded = record?.components[name];
    const selection = selectVersion({
      resolution,
      recorded,
      pinned: state.pinned[name],
      bootId: system.bootId,
      isVisible: isVisible(work.survey),
    });
    work.resolution = resolution;
    work.selection = selection;
    if (selection.version) work.plan = planFor(system, work.survey, resolution, selection.version);
    else if (resolution.versions.length > 0) {
      system.options.reporter.notice(name, 'nothing that is installed fits this OS; things stay as they are');
    }
  });
  return works;
}

async function exposeSelected(system: System, works: readonly Work[], done: DoneAction[]): Promise<ActivationSet> {
  const set: ActivationSet = { changed: [] };
  const open = works.filter(({ plan }) => plan?.steps.some(({ step }) => step === 'expose'));
  if (open.length === 0) return set;
  await underAll(system, open, (place) =>
    eachPlanned(open, async (work, plan) => {
      const steps = plan.steps.filter((step) => step.step === 'expose');
      await exposeTogether(system, place, steps);
      set.changed.push({ work, steps });
      done.push({ component: plan.component.name, action: 'expose', version: plan.version, from: plan.from ?? null });
    }),
  );
  return set;
}

/** What is only remembered, or comes after, must not keep the boot from what is visible: the disk may be full. */
async function tolerate(system: System, attempt: () => Promise<void>): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    system.options.reporter.warning('', reportOf(error).message);
  }
}

/** An OS that was not prepared gets a record now, so that nothing it uses is pruned before it is good. */
async function recordSelected(system: System, state: State, works: readonly SelectWork[]): Promise<void> {
  const { root } = system.options;
  const records = readRecords(root, false);
  const before = recordOf(records, system.os);
  const entries = new Map<string, RecordedComponent | undefined>();
  for (const work of works) {
    if (work.error || work.selection?.reason === 'recorded' || work.selection?.reason === 'waiting') continue;
    const entry = plannedEntry(state, work, '');
    if (entry && entry.version !== before?.components[work.survey.component.name]?.version) {
      entries.set(work.survey.component.name, entry);
    }
  }
  if (entries.size > 0 || (before !== undefined && !records.has(system.os.name))) {
    await adoptRecord(system, changeRecord(system.os, before, entries));
  }
}

/** Nothing would be left to judge after the boot, if what judges does not work: that is looked at now. */
async function keepOwnProgram(
  system: System,
  state: State,
  { changed }: ActivationSet,
  own: OwnProgram,
  done: DoneAction[],
): Promise<void> {
  const { judgeHealth } = await import('./apply/keep-healthy.ts');
  const mine = changed.filter(({ work }) => own.works.has(work));
  const backTo = ({ plan }: Work) => plan?.from;
  await judgeHealth(system, state, { changed: mine }, done, { actOnUnits: false, own, backTo });
  if (mine.some(({ work }) => work.error)) await writeState(system.options.root, state);
}

/** Services that run already: at boot, hardly any do, and what has not started yet will see what is exposed now. */
async function refreshRunning(system: System, state: State, { changed }: ActivationSet): Promise<void> {
  if (changed.length === 0) return;
  const { refreshServices } = await import('./services/refresh-services.ts');
  const { failures } = await refreshServices(system, state, changed);
  for (const [{ survey }, why] of failures) system.options.reporter.warning(survey.component.name, why);
}

/** Merges anew where something else is merged than is exposed, unless systemd is about to do so anyway. */
async function refreshOnce(system: System, works: readonly Work[]): Promise<void> {
  if (!mergesHere(system)) return;
  for (const kind of await kindsToRefresh(works)) {
    if ((await isLeftToService(kind)) || (await mergesAfterBootUnit(kind))) continue;
    const why = await refresh(kind);
    if (why !== undefined) system.options.reporter.warning('', `systemd-${kind} refused the set: ${why}`);
  }
}
