/**
 * Which installed version an OS gets when it boots: what was active under it last time and still fits, else the newest
 * installed that fits, else things stay as they are. Pure; never asks about signatures, freshness or the clock.
 */
import type { RecordedComponent } from './record.ts';
import type { Resolution, VersionState } from './resolver.ts';

export interface SelectInput {
  /** Of what is installed alone, for the OS in question. */
  readonly resolution: Resolution;
  readonly recorded?: RecordedComponent | undefined;
  /** The version that a person holds the component at. */
  readonly pinned?: string | undefined;
  /** The present boot; '' when the OS in question is not the running one. */
  readonly bootId: string;
}

export type SelectReason = 'held' | 'recorded' | 'waiting' | 'active' | 'newest' | 'none';

export interface Selection {
  /** The version that should be visible; undefined when nothing fits, and nothing changes. */
  readonly version?: VersionState;
  readonly reason: SelectReason;
}

/** Selects the version of one component. */
export function selectVersion({ resolution, recorded, pinned, bootId }: SelectInput): Selection {
  const { versions, chosen, component } = resolution;
  const newest = chosen?.complete && chosen.compatible === true ? chosen : undefined;
  if (pinned !== undefined && newest?.version === pinned) return { version: newest, reason: 'held' };

  const active = versions.find((state) => state.active && state.complete && state.compatible !== false && !state.bad);
  // What was planned in this very boot waits for the next one.
  const waits = recorded?.planned !== undefined && recorded.planned !== '' && recorded.planned === bootId;
  if (waits) return active ? { version: active, reason: 'waiting' } : { reason: 'waiting' };

  const remembered = recorded && versions.find((state) => isRecorded(state, recorded));
  if (remembered) return { version: remembered, reason: 'recorded' };
  if (component.settings.activate === 'manual' && active) return { version: active, reason: 'active' };
  return newest ? { version: newest, reason: 'newest' } : { reason: 'none' };
}

/** The very files that the record names, not others that go by the same version; what cannot be read may still fit. */
function isRecorded(state: VersionState, recorded: RecordedComponent): boolean {
  if (state.version !== recorded.version || !state.complete || state.compatible === false || state.bad) return false;
  const known = new Map([recorded, ...(recorded.others ?? [])].map(({ file, sha256 }) => [file, sha256]));
  return [...state.installed.values()].every(({ path, sha256 }) => {
    const expected = known.get(path);
    return expected === undefined || expected === null || sha256 === undefined || sha256 === expected;
  });
}
