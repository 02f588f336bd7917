/** Which files the operating systems need that this machine can boot. Pure. */
import type { Bootable } from './bootable.ts';
import { describeOs, type KnownOs, type OsIdentity } from './os-identity.ts';
import { filesOf, type OsRecord } from './record.ts';

/** Records by name of the OS. */
export type Records = ReadonlyMap<string, OsRecord>;

/** The record of an OS; one that was written before its deployment was known counts too. */
export function recordOf(records: Records, { name, identity }: OsIdentity): OsRecord | undefined {
  return records.get(name) ?? records.get(identity);
}

export interface NeededInput {
  readonly bootable: Bootable;
  readonly records: Records;
  /** Every OS that there is a record of, by the record's name. */
  readonly recorded: ReadonlyMap<string, KnownOs>;
  /** Files that an OS would be given at boot, for components that its record does not provide for. */
  readonly selectedFor: ReadonlyMap<string, readonly string[]>;
}

/**
 * Collects them. An OS with a record needs what the record names; where that is gone, or there is no record, it needs
 * what it would be given at boot. Where it is not known what can be booted, every OS with a record may be.
 * @returns the reason by path
 */
export function neededFiles({ bootable, records, recorded, selectedFor }: NeededInput): Map<string, string> {
  const needed = new Map<string, string>();
  const need = (path: string, reason: string) => {
    if (!needed.has(path)) needed.set(path, reason);
  };
  const needRecord = (record: OsRecord | undefined, reason: string) => {
    for (const path of Object.values(record?.components ?? {}).flatMap(filesOf)) need(path, reason);
  };
  for (const os of bootable.oses) {
    needRecord(recordOf(records, os), os.running ? 'recorded for this OS' : `recorded for ${describeOs(os)}`);
    for (const path of selectedFor.get(os.name) ?? []) need(path, `${describeOs(os)} would be given it at boot`);
  }
  if (!bootable.certain) {
    for (const [name, record] of records) {
      const os = recorded.get(name);
      needRecord(record, `recorded for ${os ? describeOs(os) : name}`);
    }
  }
  return needed;
}

/** The records of OSes that cannot be booted any more. */
export function obsoleteRecords(bootable: Bootable, records: Records): string[] {
  if (!bootable.certain) return [];
  const kept = new Set(bootable.oses.flatMap(({ name, identity }) => [name, identity]));
  return [...records.keys()].filter((name) => !kept.has(name));
}
