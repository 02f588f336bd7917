/**
 * Has services that mount an image of ours over their own namespace see the version that is exposed now. They are
 * reloaded, restarted only where the definition allows it, and looked at again: what systemd mounts anew on a reload
 * depends on its version and on the unit.
 *
 * As tried: on 262 (`RefreshOnReload=extensions`, the default) a reload mounts all images of a unit anew if it names a
 * `.v` directory, before the service is told, and even when the reload fails then; on 257 it does not, although
 * `ExecReload=` itself sees the new version. Neither does it for plain paths and links.
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
  describeSeen,
  failedReloadNotice,
  isStale,
  isUpToDate,
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
  const tell = ({ work }: OpenUse, text: string) => reporter.notice(work.survey.component.name, text);
  const told = (use: OpenUse, sight: Sight) => ({
    unit: unit.name,
    seen: describeSeen(seenVersion(use.use, sight)),
    expected: use.use.exposed?.version ?? '',
  });

  if (!unit.canReload && !open.some(mayRestart)) {
    for (const one of open) tell(one, unreloadableNotice(told(one, one.before)));
    return { hasActed: false };
  }
  let now = unit;
  let stale = open.map((one) => ({ one, after: one.before }));
  if (unit.canReload) {
    const failed = await ask('reload', unit, open);
    now = await present(unit);
    if (isDown(now)) return { hasActed: true, failure: `${unit.name} did not survive its reload` };
    // On its way down or up again: how it fares is seen by its health.
    if (!isRunning(now)) return { hasActed: true };
    stale = await staleOf(open, now, unit);
    if (failed !== undefined) {
      // What the service itself does not take would keep it from starting, too.
      const reason = now.reloadResult === 'success' || now.reloadResult === '' ? failed : now.reloadResult;
      for (const one of open) {
        const after = stale.find((left) => left.one === one)?.after ?? (await look({ ...one.use, unit: now }));
        tell(one, failedReloadNotice(told(one, after), reason));
      }
      return { hasActed: true };
    }
  }
  if (stale.some(({ one }) => mayRestart(one))) {
    const failed = await ask('restart', unit, open);
    now = await present(unit);
    if (failed !== undefined || isDown(now)) {
      return { hasActed: true, failure: `${unit.name} did not come up again after a restart` };
    }
    if (!isRunning(now)) return { hasActed: true };
    stale = await staleOf(open, now, unit);
  }
  for (const { one, after } of stale) tell(one, staleNotice(told(one, after), one.use.isVersioned));
  return { hasActed: true };
}

/** What the service still sees wrongly. @param before the service as it was */
async function staleOf(open: readonly OpenUse[], now: ServiceUnit, before: ServiceUnit) {
  const stale: { one: OpenUse; after: Sight }[] = [];
  for (const one of open) {
    const after = await look({ ...one.use, unit: now });
    if (isStale(one.use, one.before, after, now.mainPid === before.mainPid)) stale.push({ one, after });
  }
  return stale;
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
  const seconds = Math.max(...open.map(({ work }) => work.survey.component.settings.healthTimeoutSec));
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
