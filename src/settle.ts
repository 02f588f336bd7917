/** Looking at images that are not here, until enough is known of them to choose. */
import { mapLimit } from './concurrency.ts';
import { reportOf } from './errors.ts';
import type { State } from './os/state.ts';
import type { Resolution, VersionState } from './resolve/resolver.ts';
import { resolveSurvey, type Survey } from './survey.ts';
import type { System } from './system.ts';

/** How many images are looked at for `list`, newest first, before the rest is left as "not looked at". */
const LIST_LOOKUPS = 32;
/** Images that are looked at at the same time, by component. */
const LOOKUPS_AT_ONCE = 4;

/**
 * Resolves a component, looking at images that are not here until the chosen version is known to fit, or nothing more
 * can be known before it is acquired.
 */
export async function settle(system: System, state: State, survey: Survey, requested?: string): Promise<Resolution> {
  for (;;) {
    const resolution = resolveSurvey(system, state, survey, requested);
    if (system.options.offline) return resolution;
    const { chosen } = resolution;
    const open = chosen && chosen.compatible === null && !chosen.complete ? [chosen] : [];
    // A version is not ruled out by what an earlier run was shown of it.
    const doubtful = newerThan(resolution, chosen).filter((version) => isRuledOutByHearsay(system, version));
    let learnt = false;
    for (const version of [...doubtful, ...open]) learnt = (await learnVersion(system, survey, version)) || learnt;
    if (!learnt) return resolution;
  }
}

function newerThan(resolution: Resolution, chosen: VersionState | undefined): readonly VersionState[] {
  const index = chosen ? resolution.versions.indexOf(chosen) : resolution.versions.length;
  return resolution.versions.slice(0, index);
}

function isRuledOutByHearsay(system: System, version: VersionState): boolean {
  const hashes = [...version.offered.values()].map(({ sha256 }) => sha256);
  return version.reason.code === 'incompatible' && hashes.some((sha256) => system.facts.isHearsay(sha256));
}

/** Looks at the newest images of a component, for `list`. */
export async function learnForList(system: System, state: State, survey: Survey): Promise<void> {
  if (system.options.offline) return;
  const unknown = resolveSurvey(system, state, survey).versions.filter(
    (version) => version.compatible === null || isRuledOutByHearsay(system, version),
  );
  await mapLimit(unknown.slice(0, LIST_LOOKUPS), LOOKUPS_AT_ONCE, (version) => learnVersion(system, survey, version));
}

/** @returns whether something new is known */
async function learnVersion(system: System, survey: Survey, version: VersionState): Promise<boolean> {
  let learnt = false;
  for (const transfer of survey.component.transfers) {
    const instance = version.offered.get(transfer.id);
    if (transfer.kind === 'none' || !instance || version.installed.has(transfer.id)) continue;
    if (system.facts.get(instance.sha256) && !system.facts.isHearsay(instance.sha256)) continue;
    try {
      const facts = await system.sources.of(transfer).learn(instance);
      if (!facts) continue;
      system.facts.set(instance.sha256, facts);
      learnt = true;
    } catch (error) {
      if (system.options.signal?.aborted) throw error;
      // It stays unknown until it is acquired, which tells what is wrong with it.
      system.options.reporter.notice(survey.component.name, `${instance.name}: ${reportOf(error).message}`);
    }
  }
  return learnt;
}
