/** Looks which operating systems this machine can boot. */
import { readBoots } from './os/boot-history.ts';
import { discoverBootable } from './os/bootable/discover.ts';
import { readRecords } from './os/records.ts';
import type { State } from './os/state.ts';
import { type Bootable, bootableOses } from './resolve/bootable.ts';
import type { System } from './system.ts';

/** Lists the operating systems that this machine can boot. */
export async function listBootable(system: System, { prepared }: Pick<State, 'prepared'>): Promise<Bootable> {
  const { root, reporter } = system.options;
  const discovery = await discoverBootable(root);
  for (const problem of discovery?.problems ?? []) reporter.notice('', problem);
  return bootableOses({
    running: system.os,
    root,
    shown: discovery && { found: discovery.found, complete: discovery.problems.length === 0 },
    boots: readBoots(root, false),
    records: readRecords(root, false),
    prepared,
  });
}
