/** The stages that every run that installs something goes through: survey, acquire, plan, install. */
import { acquireComponent, doesNotFit, nothingFits } from './acquire.ts';
import { installPlanned } from './apply/install-planned.ts';
import { eachPlanned, eachWork, underAll } from './each-work.ts';
import { reportOf, StorageError } from './errors.ts';
import { markDamaged } from './installed-content.ts';
import { noticePreReleases, noticeStuck, noticeWithdrawn } from './notices.ts';
import type { State } from './os/state.ts';
import { republishedFailure } from './publisher-changes.ts';
import { isAtHand, planFor, resolveSurvey, type Survey, surveyAll } from './survey.ts';
import type { System } from './system.ts';
import type { DoneAction, PayloadUsers, Requests, Work } from './work.ts';

/** Surveys all components; offline, only what is in staging counts as offered. */
export async function begin(
  system: System,
  state: State,
  { sources, now }: { readonly sources: boolean; readonly now: boolean },
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

/** Hashes of all that is offered: what else was learned of images need not be kept. */
export function offeredHashes(works: readonly Work[]): Set<string> {
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
