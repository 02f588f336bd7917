/**
 * `remove`: takes components away. First out of systemd's sight, then off the disk, then out of the definitions, last out of
 * memory. A run that dies on the way leaves the definition, so the next one puts things back, or `remove` is said again.
 */
import { mergedNames, refresh } from '../apply/activate.ts';
import { mergesHere } from '../apply/activate-set.ts';
import { expose } from '../apply/expose.ts';
import { actOnUnits, systemdVersion } from '../apply/health.ts';
import { removeFile } from '../apply/prune.ts';
import { mergeKinds } from '../apply/visible-file.ts';
import { rootOfDefinitions } from '../definition/candidates.ts';
import { writeSwitches } from '../enablement.ts';
import { ActivationError, reportOf, UsageError } from '../errors.ts';
import { withLocks } from '../locks.ts';
import { changeConfigFiles } from '../os/config-files.ts';
import { readRecords, writeRecord } from '../os/records.ts';
import { runCommand } from '../os/run-command.ts';
import { readState, type State, writeState } from '../os/state.ts';
import { withUnderlay } from '../os/underlay.ts';
import { rememberRun } from '../remember.ts';
import { releaseFieldsOf } from '../resolve/compatibility.ts';
import { imageNameOf } from '../resolve/exposure.ts';
import { planUnitActions, type Replacement } from '../resolve/unit-actions.ts';
import { isTreeTarget } from '../source/source-types.ts';
import type { System } from '../system.ts';
import { listInstalled } from '../target/list-installed.ts';
import { writtenPaths } from '../target/paths.ts';
import type { DoneAction } from '../work.ts';
import { forgetComponent, recordWithout } from './forget.ts';
import { type InstalledPart, installedParts, removeRemains } from './installed-parts.ts';
import { mergedAs, planRemovals, type Removal, type RemovalOptions } from './plan-removal.ts';

/**
 * Removes components.
 * @param system in which they are unwanted
 * @param agree asked when it is known what goes, and before anything is changed
 * @returns what was done; undefined where it was not agreed to
 * @throws UsageError, ConfigError, StorageError, ActivationError
 */
export async function removeComponents(
  system: System,
  names: readonly string[],
  options: RemovalOptions,
  agree: (removals: readonly Removal[]) => Promise<boolean>,
): Promise<{ readonly removals: readonly Removal[]; readonly done: readonly DoneAction[] } | undefined> {
  const { root } = system.options;
  const foreseen = await planRemovals(system, readState(root, false), names, options);
  requireMergeable(system, foreseen);
  if (!(await agree(foreseen))) return undefined;
  return withLocks(system, ['root'], 'remove', async () => {
    const state = readState(root, true);
    // Another run may have been at work while a person was asked.
    const removals = await planRemovals(system, state, names, options);
    const done: DoneAction[] = [];
    if (!options.keepFiles) {
      await hideAll(system, state, removals);
      await underTargets(system, removals, async (place) => {
        for (const removal of removals) await deleteFiles(system, state, place, removal, done);
      });
    }
    for (const { definitions, component } of removals) await changeDefinitions(system, component, definitions);
    if (!options.keepFiles) await forgetAll(system, state, removals);
    await rememberRun(system, 'remove', { done, errors: [] });
    return { removals, done };
  });
}

/** A tree that is merged cannot be deleted before it is not. @throws UsageError */
function requireMergeable({ options }: System, removals: readonly Removal[]): void {
  if (options.refresh || options.root !== '') return;
  const isTree = ({ transfer, shown }: InstalledPart) => shown !== undefined && isTreeTarget(transfer.target.type);
  const tree = removals.find(({ parts }) => parts.some(isTree));
  if (!tree) return;
  throw new UsageError(`${tree.component}: --no-refresh: a directory cannot be deleted while it may be merged`, {
    next: 'leave --no-refresh out',
  });
}

/** Runs an operation with the root through which all targets can be written. */
function underTargets<T>(
  { options: { root } }: System,
  removals: readonly Removal[],
  operation: (place: string) => Promise<T>,
): Promise<T> {
  if (root !== '') return operation(root);
  const transfers = removals.flatMap(({ parts }) => parts.map(({ transfer }) => transfer));
  return withUnderlay(transfers.flatMap(writtenPaths), operation);
}

/** Takes everything out of sight, has systemd merge without it, and stops what it brought. @throws ActivationError */
async function hideAll(system: System, state: State, removals: readonly Removal[]): Promise<void> {
  const { architecture } = system.host.release;
  const before = await replacementsOf(system, state, removals);
  const setAll = (show: boolean) =>
    underTargets(system, removals, async (place) => {
      for (const { transfer, shown } of removals.flatMap(({ parts }) => parts)) {
        if (shown) await expose(place, transfer, show ? shown.name : undefined, architecture);
      }
    });
  const goBack = async () => {
    try {
      await setAll(true);
    } catch (error) {
      // The definition is there: the next run does it.
      system.options.reporter.warning('', `not all is visible again: ${reportOf(error).message}`);
    }
    const kinds = new Set(removals.flatMap(mergedAs).map(({ kind }) => kind));
    if (mergesHere(system)) for (const kind of kinds) await refresh(kind);
  };
  try {
    await setAll(false);
  } catch (error) {
    await goBack();
    throw error;
  }
  if (!mergesHere(system)) return tellWhatIsMerged(system, removals);
  const failure = await mergeWithout(removals);
  if (failure !== undefined) {
    await goBack();
    throw new ActivationError(`${removals.map(({ component }) => component).join(', ')}: not removed: ${failure}`, {
      next: 'extupdate doctor says what is in the way; nothing was deleted',
    });
  }
  await tellWhatIsMerged(system, removals);
  const { restart, reloadOrRestart } = planUnitActions(before, await systemdVersion());
  await actOnUnits({ restart, reloadOrRestart });
  await tellWhatRuns(system, removals, [...restart, ...reloadOrRestart]);
}

/** What is merged all the same: by others, or because systemd was not to merge now. */
async function tellWhatIsMerged(system: System, removals: readonly Removal[]): Promise<void> {
  const { root, refresh: refreshes, reporter } = system.options;
  if (root !== '') return;
  const merged = { sysext: await mergedNames('sysext'), confext: await mergedNames('confext') };
  for (const removal of removals) {
    for (const { kind, name } of mergedAs(removal).filter((one) => merged[one.kind]?.has(one.name))) {
      const why = refreshes ? 'from a file that is not of this component' : 'until the next boot (--no-refresh)';
      reporter.notice(removal.component, `${name} is still merged by systemd-${kind}, ${why}`);
    }
  }
}

/** @returns why systemd did not merge what is left; undefined when it did, or when nothing of it was merged */
async function mergeWithout(removals: readonly Removal[]): Promise<string | undefined> {
  for (const kind of mergeKinds) {
    const names = removals.flatMap(mergedAs).filter((one) => one.kind === kind);
    const merged = names.length > 0 ? await mergedNames(kind) : undefined;
    if (!names.some(({ name }) => merged?.has(name) !== false)) continue;
    const why = await refresh(kind);
    if (why !== undefined) return `systemd-${kind} refused to merge without it: ${why}`;
  }
  return undefined;
}

/** What the images that go ask systemd to do with units. */
async function replacementsOf(system: System, state: State, removals: readonly Removal[]): Promise<Replacement[]> {
  const replacements: Replacement[] = [];
  for (const { component, parts } of removals) {
    const { settings } = system.definitions.components.find(({ name }) => name === component) ?? {};
    for (const { transfer, shown } of parts) {
      if (!shown) continue;
      const installed = await listInstalled(system.options.root, transfer, state);
      const { facts } = installed.find(({ path }) => path === shown.path) ?? {};
      const use = { kind: transfer.kind, imageName: imageNameOf(transfer, shown.name) };
      replacements.push({ before: facts && releaseFieldsOf(facts, use), reloadUnits: settings?.reloadUnits ?? [] });
    }
  }
  return replacements;
}

/** Units that the images brought and that nobody has stopped go on running from files that are gone. */
async function tellWhatRuns(
  { options: { reporter } }: System,
  removals: readonly Removal[],
  acted: readonly string[],
): Promise<void> {
  for (const { component, units, services } of removals) {
    for (const service of services) {
      const text = `${service} mounts it itself (ExtensionImages=): it keeps what it has, and cannot start without it`;
      reporter.warning(component, text);
    }
    const open = units.filter((unit) => !acted.includes(unit));
    if (open.length === 0) continue;
    const { stdout } = await runCommand(['systemctl', 'is-active', '--', ...open]);
    const states = stdout.split('\n');
    const running = open.filter((_, index) => states[index] === 'active');
    if (running.length > 0) {
      const text = `still running, from files that are gone: ${running.join(', ')}`;
      reporter.warning(component, `${text}; stop them: systemctl stop ${running.join(' ')}`);
    }
  }
}

async function deleteFiles(
  system: System,
  state: State,
  place: string,
  { component, parts }: Removal,
  done: DoneAction[],
): Promise<void> {
  const transfers = parts.map(({ transfer }) => transfer);
  // They were parked since.
  for (const { transfer, installed } of await installedParts(
    place,
    transfers,
    state,
    system.host.release.architecture,
  )) {
    for (const instance of installed) {
      const decision = { instance, transfer, keep: false, reason: 'no longer wanted', spare: true };
      await removeFile(system, state, place, { name: component }, decision, done);
    }
    await removeRemains(place, transfer);
  }
}

/** @throws StorageError */
async function changeDefinitions(system: System, component: string, changes: Removal['definitions']): Promise<void> {
  const place = rootOfDefinitions(system.options);
  for (const { file, action } of changes) {
    if (action === 'disable') await writeSwitches(place, [{ component, feature: null, enabled: false, file }]);
    if (action === 'mask') await changeConfigFiles(place, [{ file, to: { linkTo: '/dev/null' } }]);
    if (action === 'delete') await changeConfigFiles(place, [{ file, to: 'removed' }]);
  }
}

/** Last, for a hold must not be forgotten while a run could still install what it keeps out. @throws StorageError */
async function forgetAll(system: System, state: State, removals: readonly Removal[]): Promise<void> {
  const { root } = system.options;
  for (const { component } of removals) {
    forgetComponent(state, component);
    for (const [name, record] of readRecords(root, true)) {
      const without = recordWithout(record, component);
      if (without) await writeRecord(root, name, without);
    }
  }
  await writeState(root, state);
}
