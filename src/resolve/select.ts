/**
 * Which installed version an OS gets when it boots: what was active under it last time and still fits, else the newest
 * installed that fits, else things stay as they are. Pure; never asks about signatures, freshness or the clock.
 */
import type { RecordedComponent, RecordedVersion } from './record.ts';
import type { Resolution, VersionState } from './resolver.ts';

export interface SelectInput {
  /** Of what is installed alone, for the OS in question. */
  readonly resolution: Resolution;
  readonly recorded?: RecordedComponent | undefined;
  /** The version that a person holds the component at. */
  readonly pinned?: string | undefined;
  /** The present boot; '' when the OS in question is not the running one. */
  readonly bootId: string;
  /** Whether any version of the component is visible now, whatever it is for. */
  readonly isVisible: boolean;
}

export type SelectReason = 'held' | 'recorded' | 'waiting' | 'active' | 'newest' | 'none';

export interface Selection {
  /** The version that should be visible; undefined when nothing fits, and nothing changes. */
  readonly version?: VersionState;
  readonly reason: SelectReason;
}

/** Selects the version of one component. */
export function selectVersion({ resolution, recorded, pinned, bootId, isVisible }: SelectInput): Selection {
  const { versions, chosen, component } = resolution;
  const newest = chosen?.complete && chosen.compatible === true ? chosen : undefined;
  if (pinned !== undefined && newest?.version === pinned) return { version: newest, reason: 'held' };

  const active = versions.find((state) => state.active && state.complete && state.compatible !== false && !state.bad);
  // What was planned in this very boot waits for the next one.
  const waits = ({ planned }: RecordedVersion) => planned !== undefined && planned !== '' && planned === bootId;
  const planned = [recorded?.next, recorded].filter((one) => one !== undefined);
  const isWaiting = planned.some(waits);
  for (const one of planned.filter((candidate) => !waits(candidate))) {
    // What is held since is not shown for the first time; what was good stays.
    const isFirst = one === recorded?.next;
    const remembered = versions.find((state) => isRecorded(state, one) && !(isFirst && state.held));
    if (remembered) return { version: remembered, reason: isWaiting ? 'waiting' : 'recorded' };
  }
  if (isWaiting) return active ? { version: active, reason: 'waiting' } : { reason: 'waiting' };
  if (component.settings.activate === 'manual') {
    if (active) return { version: active, reason: 'active' };
    // What no person has made visible yet does not become so by itself.
    if (!isVisible) return { reason: 'none' };
  }
  return newest ? { version: newest, reason: 'newest' } : { reason: 'none' };
}

/** The very files that the record names, not others that go by the same version; what cannot be read may still fit. */
function isRecorded(state: VersionState, recorded: RecordedVersion): boolean {
  if (state.version !== recorded.version || !state.complete || state.compatible === false || state.bad) return false;
  const known = new Map([recorded, ...(recorded.others ?? [])].map(({ file, sha256 }) => [file, sha256]));
  return [...state.installed.values()].every(({ path, sha256 }) => {
    const expected = known.get(path);
    return expected === undefined || expected === null || sha256 === undefined || sha256 === expected;
  });
}
