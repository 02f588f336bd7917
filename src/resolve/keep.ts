/** Which installed versions stay, and why. Pure. */
import type { InstalledInstance } from '../types.ts';
import { newestFirst } from '../version/compare.ts';

export interface KeepInput {
  readonly installed: readonly InstalledInstance[];
  /** File name of what systemd sees. */
  readonly active?: string | undefined;
  /** The version that was active before. */
  readonly previous?: string | undefined;
  readonly protectVersions: readonly string[];
  /** At least 2; the active version counts. */
  readonly instancesMax: number;
}

export interface KeepDecision {
  readonly instance: InstalledInstance;
  readonly keep: boolean;
  readonly reason: string;
}

/**
 * Decides for every instance of one transfer, newest first. The active version and the one before it always stay,
 * whatever `InstancesMax=` says; protected ones too.
 */
export function decideKeep(input: KeepInput): KeepDecision[] {
  const sorted = [...input.installed].sort((a, b) => newestFirst(a.version, b.version));
  const previous = previousInstance(sorted, input);
  const certain = (instance: InstalledInstance): string | undefined => {
    if (instance.name === input.active) return 'active';
    if (instance === previous) return 'the version to go back to';
    if (input.protectVersions.includes(instance.version)) return 'ProtectVersion=';
    return undefined;
  };
  let room = input.instancesMax - sorted.filter((instance) => certain(instance) !== undefined).length;
  return sorted.map((instance) => {
    const reason = certain(instance);
    if (reason !== undefined) return { instance, keep: true, reason };
    room -= 1;
    return room >= 0
      ? { instance, keep: true, reason: `among the newest ${input.instancesMax} (InstancesMax=)` }
      : { instance, keep: false, reason: `older than the newest ${input.instancesMax} (InstancesMax=)` };
  });
}

/** What was active before; where that is not known, the newest version below the active one. */
function previousInstance(sorted: readonly InstalledInstance[], input: KeepInput): InstalledInstance | undefined {
  const remembered = sorted.find(({ version, name }) => version === input.previous && name !== input.active);
  if (remembered) return remembered;
  const active = sorted.findIndex(({ name }) => name === input.active);
  return active < 0 ? sorted[0] : sorted[active + 1];
}
