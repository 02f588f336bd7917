/** Takes out of sight what features turn off (sysupdate.features(5)); what is hidden is pruned once nothing shows it. */
import { isTurnedOff } from '../definition/features.ts';
import type { System } from '../system.ts';
import { shownName } from '../target/active.ts';
import { listInstalled } from '../target/list-installed.ts';
import type { Component } from '../types.ts';
import { expose } from './expose.ts';
import type { MergeKind } from './visible-file.ts';

/** Components of which no version is wanted; what is there of them goes. */
export function turnedOffComponents({ definitions }: System): Component[] {
  return definitions.components.filter(isTurnedOff);
}

/**
 * Hides the instances of all transfers that are off.
 * @param place root through which targets are written
 * @returns the kinds that systemd has to merge anew
 * @throws StorageError
 */
export async function hideTurnedOff(system: System, place: string): Promise<Set<MergeKind>> {
  const { architecture } = system.host.release;
  const kinds = new Set<MergeKind>();
  for (const transfer of system.definitions.components.flatMap(({ disabledTransfers }) => disabledTransfers)) {
    const installed = await listInstalled(place, transfer, { installed: {} }, { readImages: false });
    const name = shownName(place, transfer, installed, architecture);
    if (name === undefined) continue;
    await expose(place, transfer, undefined, architecture);
    if (transfer.kind === 'sysext' || transfer.kind === 'confext') kinds.add(transfer.kind);
  }
  return kinds;
}
