/**
 * Has services that mount an image of ours over their own namespace see the version that is exposed now. They are
 * reloaded, restarted only where the definition allows it, and looked at again: what systemd mounts anew on a reload
 * depends on its version and on the unit.
 *
 * As tried: on 262 (`RefreshOnReload=extensions`, the default) a reload mounts all images of a unit anew if it names a
 * `.v` directory, before the service is told, and even when the reload fails then; on 257 it does not, although
 * `ExecReload=` itself sees the new version. Neither does it for plain paths and links, nor over `/usr`: 262 tries for six
 * seconds, and then says that the reload was a success.
 */
import { type Changed, mergesHere } from '../apply/activate-set.ts';
import { lastLine, runCommand } from '../os/run-command.ts';
import type { State } from '../os/state.ts';
import { exposureOf } from '../resolve/exposure.ts';
import type { System } from '../system.ts';
import type { Work } from '../work.ts';
import { findUses, type ServiceUse } from './find-uses.ts';
import { showUnits } from './list-units.ts';
import { isDown, isRunning, type ServiceUnit } from './service-units.ts';
import { look, type Sight } from './sight.ts';
import {
  failedReloadNotice,
  isStale,
  isUpToDate,
  type Stale,
  seenVersion,
  staleNotice,
  unreloadableNotice,
} from './verdict.ts';

/** What came of it. */
export interface RefreshedServices {
  /** Services that were reloaded or restarted, by the components they use: they have to stay up. */
  readonly acted: ReadonlyMap<Work, readonly string[]>;
  /** Why a component has failed: a service that uses it did not get over it. */
  readonly failures: ReadonlyMap<Work, string>;
}

/** A use of a component that is being changed. */
interface OpenUse {
  readonly work: Work;
  readonly use: ServiceUse;
  readonly before: Sight;
}

interface Looked {
  readonly one: OpenUse;
  readonly after: Sight;
}

/** systemd ends a reload or a start after 90 s by default, so it is the one to tell that it hangs. */
const JOB_TIMEOUT_SEC = 120;

/** Looks after the services that use what has changed. Does nothing below `--root=` and with `--no-refresh`. */
export async function refreshServices(
  system: System,
  state: State,
  changed: readonly Changed[],
): Promise<RefreshedServices> {
  const acted = new Map<Work, string[]>();
  const failures = new Map<Work, string>();
  for (const [unit, open] of await openUses(system, state, changed)) {
    // One after the other: the first that does not get over it keeps the others from it.
    const left = open.filter(({ work }) => !failures.has(work));
    if (left.length === 0) continue;
    const { hasActed, failure } = await refreshService(system, unit, left);
    for (const { work } of left) {
      if (hasActed) acted.set(work, [...(acted.get(work) ?? []), unit.name]);
      if (failure !== undefined) failures.set(work, failure);
    }
  }
  return { acted, failures };
}

/** By service, what of the changed components it uses and does not see as it should. */
async function openUses(
  system: System,
  state: State,
  changed: readonly Changed[],
): Promise<Map<ServiceUnit, OpenUse[]>> {
  const open = new Map<ServiceUnit, OpenUse[]>();
  if (!mergesHere(system)) return open;
  const concerned = changed.filter(
    ({ work, steps }) =>
      work.survey.component.settings.extensionServices !== 'ignore' &&
      steps.some(({ transfer }) => exposureOf(transfer).how !== 'none'),
  );
  if (concerned.length === 0) return open;
  const components = concerned.map(({ work }) => work.survey.component);
  for (const use of await findUses(state, components, system.host.release.architecture)) {
    const work = concerned.find((one) => one.work.survey.component.name === use.component)?.work;
    if (!work || !use.exposed) continue;
    const before = await look(use);
    if (before.why === 'hidden' || isUpToDate(use, before)) continue;
    open.set(use.unit, [...(open.get(use.unit) ?? []), { work, use, before }]);
  }
  return open;
}

async function refreshService(
  { options: { reporter } }: System,
  unit: ServiceUnit,
  open: readonly OpenUse[],
): Promise<{ readonly hasActed: boolean; readonly failure?: string }> {
  const mayRestart = ({ work }: OpenUse) => work.survey.component.settings.extensionServices === 'reload-or-restart';
  const tell = (say: (told: Stale, use: ServiceUse) => string, all: readonly Looked[]) => {
    for (const { one, after } of all) {
      const told = { unit: unit.name, seen: seenVersion(one.use, after), expected: one.use.exposed?.version ?? '' };
      reporter.notice(one.work.survey.component.name, say(told, one.use));
    }
  };

  let stale = open.map((one): Looked => ({ one, after: one.before }));
  if (canReload(unit, open)) {
    const failed = await ask('reload', unit, open);
    const now = await present(unit);
    if (isDown(now)) return { hasActed: true, failure: `${unit.name} did not survive its reload` };
    // On its way down or up again: how it fares is seen by its health.
    if (!isRunning(now)) return { hasActed: true };
    const looked = await lookAgain(open, now);
    stale = looked.filter(({ one, after }) => isStale(one.use, one.before, after, now.mainPid === unit.mainPid));
    if (failed !== undefined && !(isHung(now) && stale.some(({ one }) => mayRestart(one)))) {
      // What the service itself does not take would keep it from starting, too, so it is not restarted.
      const reason = ['', 'success'].includes(now.reloadResult) ? failed : now.reloadResult;
      tell((told) => failedReloadNotice(told, reason), looked);
      return { hasActed: now.activeState === 'active' };
    }
  } else if (!open.some(mayRestart)) {
    tell((told, use) => unreloadableNotice(told, unit.canReload, use.component), stale);
    return { hasActed: false };
  }
  if (!stale.some(({ one }) => mayRestart(one))) {
    tell((told) => staleNotice(told), stale);
    return { hasActed: true };
  }
  const failed = await ask('restart', unit, open);
  const now = await present(unit);
  if (failed !== undefined || isDown(now)) {
    return { hasActed: true, failure: `${unit.name} did not come up again after a restart` };
  }
  return { hasActed: true };
}

/**
 * Whether a reload may do. Tried: a service that was started without any image gets none by it on 257, and on 262 the
 * reload may hang.
 */
function canReload(unit: ServiceUnit, open: readonly OpenUse[]): boolean {
  return unit.canReload && open.some(({ before }) => before.mounts.length > 0);
}

/** Whether a reload did not come to an end by itself: then the service was perhaps never asked. */
function isHung({ activeState, reloadResult }: ServiceUnit): boolean {
  return reloadResult === 'timeout' || activeState !== 'active';
}

function lookAgain(open: readonly OpenUse[], now: ServiceUnit): Promise<Looked[]> {
  return Promise.all(open.map(async (one) => ({ one, after: await look({ ...one.use, unit: now }) })));
}

async function present(unit: ServiceUnit): Promise<ServiceUnit> {
  const [now] = await showUnits([unit.name]);
  return now ?? { ...unit, mainPid: 0, activeState: 'inactive' };
}

/** Has systemd do it, and waits until that has ended. @returns why it failed */
async function ask(
  verb: 'reload' | 'restart',
  unit: ServiceUnit,
  open: readonly OpenUse[],
): Promise<string | undefined> {
  const limits = open.map(({ work }) => work.survey.component.settings.healthTimeoutSec);
  const seconds = Math.max(JOB_TIMEOUT_SEC, ...limits);
  const result = await runCommand(['systemctl', verb, '--', unit.name], { timeoutMs: seconds * 1000 });
  if (result.status === 0) return undefined;
  return result.status === -1 ? `it did not end within ${seconds} s` : lastLine(result);
}

/** Starts services again that were running before something was changed, and are not any more. */
export async function bringBack(units: readonly string[]): Promise<void> {
  if (units.length === 0) return;
  for (const unit of await showUnits(units)) {
    if (!isDown(unit)) continue;
    await runCommand(['systemctl', 'reset-failed', '--', unit.name]);
    await runCommand(['systemctl', 'start', '--', unit.name]);
  }
}
