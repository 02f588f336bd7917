/**
 * Which operating systems this machine can boot: what the platform tells, else the last two that were booted; and the
 * one that was prepared last, which nobody has booted yet.
 */

import { readBoots } from './os/boot-history.ts';
import { discoverBootable } from './os/bootable/discover.ts';
import { type Records, readRecords } from './os/records.ts';
import { type Boot, lastBooted } from './resolve/boots.ts';
import { type KnownOs, knownOs } from './resolve/os-identity.ts';
import { releaseOf } from './resolve/record.ts';
import type { System } from './system.ts';
import type { ReleaseFields } from './types.ts';

export interface BootableOs extends KnownOs {
  readonly running: boolean;
  /** How it is known. */
  readonly origin: 'running' | 'snapper' | 'ostree' | 'uki' | 'slot' | 'history' | 'prepared';
  /** Where it was found, as seen inside the root; '' for what is only remembered. */
  readonly where: string;
  /** Directory, as seen inside the root, that holds its `usr/`. */
  readonly osRoot?: string;
}

export interface Bootable {
  /** The running one first. */
  readonly oses: readonly BootableOs[];
  /** Whether these are all: only then is anything forgotten about the others. */
  readonly certain: boolean;
}

/** OSes that are taken for bootable where the platform does not tell: an A/B pair. */
const BOOTED_TAKEN = 2;

/** Lists the operating systems that this machine can boot. */
export async function listBootable(system: System): Promise<Bootable> {
  const { root } = system.options;
  const boots = readBoots(root, false);
  const records = readRecords(root, false);
  const running: BootableOs = { ...system.os, running: true, origin: 'running', where: root === '' ? '/' : root };
  const oses = new Map<string, BootableOs>([[running.name, running]]);
  const add = (os: BootableOs) => {
    if (!oses.has(os.name)) oses.set(os.name, os);
  };
  const asKnown = (fields: ReleaseFields, deployment?: string) =>
    knownOs({ ...system.os.release, fields, initrd: false }, deployment);
  const addBooted = () => {
    for (const { release, deployment } of lastBooted(boots, BOOTED_TAKEN)) {
      add({ ...asKnown(release, deployment ?? undefined), running: false, origin: 'history', where: '' });
    }
  };

  const discovered = await discoverBootable(root);
  let certain = true;
  if (discovered) {
    for (const problem of discovered.problems) system.options.reporter.notice('', problem);
    for (const { fields, deployment, ...found } of discovered.found) {
      add({ ...asKnown(fields, deployment), ...found, running: false });
    }
    const isThere = discovered.found.some(({ fields }) => asKnown(fields).identity === running.identity);
    certain = isThere && discovered.problems.length === 0;
    // What does not even show the OS that is running does not show everything.
    if (!certain) addBooted();
  } else {
    addBooted();
    // Where no boot was ever noted, what else can be booted is anybody's guess.
    certain = boots.length > 0;
  }
  for (const name of preparedLast(records, boots)) {
    const record = records.get(name);
    if (!record) continue;
    add({
      ...asKnown(releaseOf(record), record.deployment ?? undefined),
      running: false,
      origin: 'prepared',
      where: '',
    });
  }
  return { oses: [...oses.values()], certain };
}

/** The OS that was prepared last and never booted: an update that replaces an older one replaces its record's claim. */
function preparedLast(records: Records, boots: readonly Boot[]): string[] {
  const waiting = [...records]
    .filter(([name, { state }]) => state === 'planned' && !boots.some(({ os }) => os === name))
    .sort(([, a], [, b]) => ((a.changed ?? '') < (b.changed ?? '') ? 1 : -1));
  return waiting.slice(0, 1).map(([name]) => name);
}
