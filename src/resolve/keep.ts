/** Which installed versions stay, and why. Pure. */
import type { InstalledInstance } from '../types.ts';
import { newestFirst } from '../version/compare.ts';

export interface KeepInput {
  /** What the running OS's definitions name. */
  readonly installed: readonly InstalledInstance[];
  /** File name of what systemd would see. */
  readonly active?: string | undefined;
  /** The version that was active before. */
  readonly previous?: string | undefined;
  /** The version that waits for a reboot, or for a person. */
  readonly waiting?: string | undefined;
  readonly protectVersions: readonly string[];
  /** Versions that stay only where something needs them. */
  readonly unwanted?: readonly string[];
  /** At least 2; the active version counts. */
  readonly instancesMax: number;
  readonly needs: Needs;
}

/** What other things than the definitions need. */
export interface Needs {
  /** Names of the files behind what is merged now, although others may be exposed already. */
  readonly merged: ReadonlySet<string>;
  /** Files that an OS needs which this machine can boot, by path as seen inside the root, and which OS that is. */
  readonly forOs: ReadonlyMap<string, string>;
}

export interface KeepDecision {
  readonly instance: InstalledInstance;
  readonly keep: boolean;
  readonly reason: string;
  /** May go when space is short: nothing runs on it, and no OS needs it. */
  readonly spare: boolean;
}

/**
 * Decides for every instance of one transfer, newest first. What is active, merged, needed by an OS that can be booted,
 * waiting or protected stays, and so does the version before the active one, whatever `InstancesMax=` says.
 */
export function decideKeep(input: KeepInput): KeepDecision[] {
  const sorted = [...input.installed].sort((a, b) => newestFirst(a.version, b.version));
  const previous = previousInstance(sorted, input);
  const certain = (instance: InstalledInstance): string | undefined =>
    neededReason(instance, input) ??
    (instance === previous && !isUnwanted(instance, input) ? 'the version to go back to' : undefined);
  let room = input.instancesMax - sorted.filter((instance) => certain(instance) !== undefined).length;
  return sorted.map((instance) => {
    const spare = neededReason(instance, input) === undefined;
    const reason = certain(instance);
    if (reason !== undefined) return { instance, keep: true, reason, spare };
    if (isUnwanted(instance, input)) return { instance, keep: false, reason: 'withdrawn by its source', spare };
    room -= 1;
    return room >= 0
      ? { instance, keep: true, reason: `among the newest ${input.instancesMax} (InstancesMax=)`, spare }
      : { instance, keep: false, reason: `older than the newest ${input.instancesMax} (InstancesMax=)`, spare };
  });
}

/**
 * Decides for instances of a transfer that its features turn off.
 * @param active file name of what is visible of it still
 */
export function decideTurnedOff(
  installed: readonly InstalledInstance[],
  active: string | undefined,
  needs: Needs,
): KeepDecision[] {
  return decideElsewhere(installed, needs, new Set(active === undefined ? [] : [active])).map((decision) =>
    decision.keep ? decision : { ...decision, reason: 'its feature is off' },
  );
}

/**
 * Decides for instances that only the definitions of other OSes name: an older `%w`, say.
 * @param active file names of what systemd would see; nothing better may be there
 */
export function decideElsewhere(
  installed: readonly InstalledInstance[],
  needs: Needs,
  active: ReadonlySet<string>,
): KeepDecision[] {
  const reasonFor = ({ name, path }: InstalledInstance) =>
    active.has(name) ? 'active' : needs.merged.has(name) ? 'merged' : needs.forOs.get(path);
  return installed.map((instance) => {
    const reason = reasonFor(instance);
    return reason === undefined
      ? { instance, keep: false, reason: 'for an OS that this machine cannot boot any more', spare: true }
      : { instance, keep: true, reason, spare: false };
  });
}

/**
 * What may be deleted when space is short, in this order: the oldest first, what one could go back to last.
 * @returns as few as free `bytes`; all there are when they do not suffice
 */
export function chooseSpare<T extends KeepDecision>(decisions: readonly T[], bytes: number): T[] {
  const isRollback = ({ reason }: KeepDecision) => reason === 'the version to go back to';
  const spare = decisions
    .filter((decision) => decision.spare)
    .sort(
      (a, b) => Number(isRollback(a)) - Number(isRollback(b)) || -newestFirst(a.instance.version, b.instance.version),
    );
  const chosen: T[] = [];
  let freed = 0;
  for (const decision of spare) {
    if (freed >= bytes) break;
    chosen.push(decision);
    freed += decision.instance.sizeBytes;
  }
  return chosen;
}

function neededReason(instance: InstalledInstance, input: KeepInput): string | undefined {
  if (instance.name === input.active) return 'active';
  if (input.needs.merged.has(instance.name)) return 'merged';
  const os = input.needs.forOs.get(instance.path);
  if (os !== undefined) return os;
  if (instance.version === input.waiting) return 'waiting to become active';
  if (input.protectVersions.includes(instance.version)) return 'ProtectVersion=';
  return undefined;
}

function isUnwanted({ version }: InstalledInstance, { unwanted = [] }: KeepInput): boolean {
  return unwanted.includes(version);
}

/** What was active before; where that is not known, the newest version below the active one. */
function previousInstance(sorted: readonly InstalledInstance[], input: KeepInput): InstalledInstance | undefined {
  const remembered = sorted.find(({ version, name }) => version === input.previous && name !== input.active);
  if (remembered) return remembered;
  const active = sorted.findIndex(({ name }) => name === input.active);
  return active < 0 ? sorted[0] : sorted[active + 1];
}
