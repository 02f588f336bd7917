/** What `doctor` looks at beside the tree: the machine that runs, its systemd, programs, mounts and clock. */
import { readFileSync } from 'node:fs';
import { systemdVersion } from '../apply/health.ts';
import { searchDirectories } from '../definition/kind.ts';
import { hasBootDropIn } from '../os/boot-drop-in.ts';
import { resolveInRoot } from '../os/root.ts';
import { activeSysupdateTimer } from '../os/sysupdate-timer.ts';
import { exposureOf } from '../resolve/exposure.ts';
import { sourceTraits } from '../source/source-types.ts';
import { writtenPaths } from '../target/paths.ts';
import type { Component } from '../types.ts';
import { checkClock } from './check-clock.ts';
import { checkFileSystems } from './check-file-systems.ts';
import { checkPrograms, type ProgramNeed } from './check-programs.ts';
import { checkSelinux } from './check-selinux.ts';
import { checkSystemd } from './check-systemd.ts';
import { checkSysupdate } from './check-sysupdate.ts';
import { checkUnits } from './check-units.ts';
import { clockFacts, isSelinuxEnforcing, isSystemdRunning, presentPrograms, unitFacts } from './facts/host-facts.ts';
import type { Finding } from './finding.ts';
import { guarded } from './guarded.ts';

export interface MachineOptions {
  readonly now: Date;
  /** Components whose images name units to restart. */
  readonly restarting: readonly string[];
}

/** Examines the machine, for the components that it is to keep. */
export async function examineMachine(
  components: readonly Component[],
  { now, restarting }: MachineOptions,
): Promise<Finding[]> {
  const isRunning = isSystemdRunning();
  const named = (test: (component: Component) => boolean) => components.filter(test).map(({ name }) => name);
  const transfers = components.flatMap((component) => component.transfers);
  const kinds = new Set(transfers.map(({ kind }) => kind));
  const forms = new Set(transfers.map(({ source }) => sourceTraits[source.type].form));
  const merged = (['sysext', 'confext'] as const).filter((kind) => kinds.has(kind));
  const needs: ProgramNeed[] = [...merged, ...(['archive', 'tree'] as const).filter((form) => forms.has(form))];
  const findings = await Promise.all([
    guarded('systemd', async () => {
      const version = await systemdVersion();
      return checkSystemd({
        version: version === 0 ? undefined : version,
        isRunning,
        versioned: named((one) => one.transfers.some((each) => exposureOf(each).how === 'versioned-directory')),
        confexts: named((one) => one.transfers.some(({ kind }) => kind === 'confext')),
        transfers: named(isForSysupdate),
        restarting,
        hasBootDropIn: hasBootDropIn(),
      });
    }),
    guarded('programs', () => checkPrograms({ present: presentPrograms(), needs: new Set(needs) })),
    guarded('units', async () => {
      const units = isRunning ? await unitFacts() : undefined;
      return checkUnits({ units, hasComponents: components.length > 0, kinds: new Set(merged) });
    }),
    guarded('systemd-sysupdate', async () => {
      const timer = isRunning ? await activeSysupdateTimer() : undefined;
      return checkSysupdate({ timer, shared: named(({ origin }) => origin === 'sysupdate') });
    }),
    guarded('selinux', () => checkSelinux({ isEnforcing: isSelinuxEnforcing(), stores: storesOf(components) })),
    guarded('file systems', () => checkFileSystems({ mountinfo: readMountinfo(), written: writtenBy(components) })),
    guarded('clock', async () => checkClock(await clockFacts('', now))),
  ]);
  return findings.flat();
}

/** Whether it is defined where systemd-sysupdate looks, with the suffix that it has had since 257. */
function isForSysupdate({ origin, transfers }: Component): boolean {
  return origin === 'sysupdate' && transfers.some(({ file }) => file.endsWith('.transfer'));
}

/** Directories of images from which only links lead to where systemd looks. */
function storesOf(components: readonly Component[]): string[] {
  const searched = Object.values(searchDirectories).flat();
  const isSearched = (path: string) => searched.some((one) => path === one || path.startsWith(`${one}/`));
  const targets = components.flatMap(({ transfers }) => transfers.map(({ target }) => target.path));
  return [...new Set(targets.filter((path) => !isSearched(path)))];
}

function writtenBy(components: readonly Component[]) {
  return components.flatMap(({ name, transfers }) =>
    transfers.flatMap(writtenPaths).map((path) => ({ component: name, path, place: resolveInRoot('', path, false) })),
  );
}

function readMountinfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}
