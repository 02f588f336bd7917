/**
 * `bless`, after `boot-complete.target`: this boot is good, and so is what became active with it, once it is merged and
 * healthy; what is not goes back to a version that was.
 */
import { findMissing } from './apply/activate.ts';
import { type ActivationSet, expectedOf, mergesHere } from './apply/activate-set.ts';
import { judgeHealth } from './apply/keep-healthy.ts';
import { blessPresentBoot, noteBoot } from './boot.ts';
import { resultOf, underAll } from './each-work.ts';
import { withLocks } from './locks.ts';
import { readRecords } from './os/records.ts';
import { readState, type State, writeState } from './os/state.ts';
import { recordRun, rememberRun } from './remember.ts';
import { recordOf } from './resolve/needed-files.ts';
import { type OsRecord, openVersion } from './resolve/record.ts';
import { planFor, resolveSurvey, type Survey, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import { versionBefore } from './trial.ts';
import type { DoneAction, UpdateResult, Work } from './work.ts';

/** Blesses the present boot, and sees to the health of what was planned for it. */
export async function bless(system: System, { dryRun }: { readonly dryRun: boolean }): Promise<UpdateResult> {
  if (dryRun) return { resolutions: [], plans: [], done: [], errors: [] };
  return withLocks(system, ['root'], 'bless', async () => {
    const { root } = system.options;
    const state = readState(root, true);
    const done: DoneAction[] = [];
    await noteBoot(system, state);
    await blessPresentBoot(system);
    const record = recordOf(readRecords(root, true), system.os);
    const surveys = await surveyAll(system, state, { sources: false });
    const works = surveys.flatMap((survey) => workFor(system, state, survey, record) ?? []);
    if (works.length > 0) {
      await settleHealth(system, state, works, done);
      if (mergesHere(system)) for (const { survey } of works) delete state.trials[survey.component.name];
      await writeState(root, state);
      await underAll(system, works, (place) =>
        recordRun(system, state, place, works, new Set(works), { keepsWaiting: true }),
      );
    }
    const result = resultOf(works, done);
    await rememberRun(system, 'bless', result);
    return result;
  });
}

/** A component that became active with this boot; the others have nothing to prove. */
function workFor(system: System, state: State, survey: Survey, record: OsRecord | undefined): Work | undefined {
  const entry = record?.components[survey.component.name];
  const resolution = resolveSurvey(system, state, survey);
  const active = resolution.versions.find((version) => version.active && version.complete);
  const isNew = active !== undefined && openVersion(entry, system.bootId)?.version === active.version;
  if (!isNew || survey.unreadable) return undefined;
  return {
    survey,
    resolution: { ...resolution, chosen: active },
    plan: planFor(system, survey, resolution, active),
    moment: 'now',
    downloaded: false,
    ready: new Map(),
  };
}

async function settleHealth(system: System, state: State, works: readonly Work[], done: DoneAction[]): Promise<void> {
  if (!mergesHere(system)) return;
  const missing = await findMissing(works.flatMap((work) => expectedOf(work)));
  const set: ActivationSet = {
    changed: works.map((work) => ({
      work,
      steps: work.survey.component.transfers.flatMap((transfer) => {
        const fileName = work.survey.activeNames.get(transfer.id);
        const before = versionBefore(system, state, work)?.installed.get(transfer.id)?.name;
        // With nothing to go back to, it stays: a sick one may be better than none.
        const previous = before ?? fileName;
        return fileName === undefined || previous === undefined
          ? []
          : [{ step: 'expose' as const, transfer, fileName, previous }];
      }),
    })),
  };
  await judgeHealth(system, state, set, done, {
    actOnUnits: false,
    knownFailure: ({ survey }) => {
      const gone = missing.find(({ fileName }) => [...survey.activeNames.values()].includes(fileName));
      return gone && `systemd does not merge ${gone.fileName}`;
    },
    backTo: (work) => versionBefore(system, state, work)?.version,
  });
}
