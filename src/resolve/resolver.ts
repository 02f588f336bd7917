/**
 * The decision: for one component, which version should be visible, and why each other version is not.
 *
 * Pure: everything it knows comes as {@link ResolveInput}, so `check`, `apply`, `why` and the tests see the same answer.
 */
import type { Component, HostRelease, ImageFacts, InstalledInstance, OfferedInstance, Transfer } from '../types.ts';
import { compareVersions, isSameVersion } from '../version/compare.ts';
import { type CollectedVersion, collectVersions } from './collect-versions.ts';
import { judgeImage } from './compatibility.ts';
import { imageNameOf } from './exposure.ts';
import { matchesGlob } from './glob.ts';

export interface ResolveInput {
  readonly component: Component;
  readonly host: HostRelease;
  readonly offered: readonly OfferedInstance[];
  readonly installed: readonly InstalledInstance[];
  /** The version that systemd sees now, if one is. */
  readonly active?: string;
  /** What is known of the image with that hash. */
  readonly factsOf: (sha256: string) => ImageFacts | undefined;
  /** Versions that a person (or an explicit downgrade) keeps out. */
  readonly held: ReadonlySet<string>;
  /** The only version that a person wants, until they release it. */
  readonly pinned?: string;
  /** SHA-256 of images that failed when they were tried, and why. */
  readonly bad: ReadonlyMap<string, string>;
  /** Installed versions that their source does not offer any more, although it offers older ones. */
  readonly withdrawn?: ReadonlySet<string>;
  /** Whether what was published again with other content takes the place of what is installed. */
  readonly acceptRepublished?: boolean;
  /** Name of the file that an offered instance would be installed as. */
  readonly fileNameOf: (transfer: Transfer, instance: OfferedInstance) => string;
  /** The version asked for by name; anything else is then left out. */
  readonly requested?: string;
}

export type ReasonCode =
  | 'chosen'
  | 'current'
  | 'unknown'
  | 'older'
  | 'not-requested'
  | 'incompatible'
  | 'incomplete'
  | 'obsolete'
  | 'above-max'
  | 'skipped'
  | 'held'
  | 'bad'
  | 'withdrawn'
  | 'republished';

export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

/** One version of a component, with everything that is known about it. */
export interface VersionState {
  readonly version: string;
  readonly offered: ReadonlyMap<string, OfferedInstance>;
  readonly installed: ReadonlyMap<string, InstalledInstance>;
  /** Every transfer offers it. */
  readonly available: boolean;
  /** Every transfer has it here. */
  readonly complete: boolean;
  readonly active: boolean;
  readonly compatible: boolean | null;
  readonly obsolete: boolean;
  readonly protected: boolean;
  readonly held: boolean;
  readonly bad: boolean;
  readonly reason: Reason;
}

export interface Resolution {
  readonly component: Component;
  /** Newest first. */
  readonly versions: readonly VersionState[];
  readonly active?: string;
  /**
   * The version that should be visible. When its compatibility is not known yet, it has to be acquired and read, and
   * the component resolved again.
   */
  readonly chosen?: VersionState;
}

/** Chooses the newest version that is complete, compatible and not ruled out. */
export function resolve(input: ResolveInput): Resolution {
  const states = collectVersions(input).map((version) => assess(input, version));
  const free = states.filter(({ ruledOut }) => ruledOut === undefined);
  // What the publisher took back is better than nothing, unless a person wants it gone.
  const keepsWithdrawn = free.length === 0 && input.component.settings.onWithdrawn === 'previous';
  const eligible = keepsWithdrawn ? states.filter(({ ruledOut }) => ruledOut?.code === 'withdrawn') : free;
  const requested = input.requested;
  const chosen =
    requested === undefined ? eligible[0] : eligible.find(({ state }) => isSameVersion(state.version, requested));
  const newest = states.find(({ ruledOut }) => ruledOut?.code === 'held');
  const passedOver = newest && chosen && states.indexOf(newest) < states.indexOf(chosen) ? newest : undefined;
  const versions = states.map((entry) => ({ ...entry.state, reason: reasonFor(entry, { chosen, passedOver }, input) }));
  const chosenState = versions.find((state) => state.version === chosen?.state.version);
  return {
    component: input.component,
    versions,
    ...(input.active === undefined ? {} : { active: input.active }),
    ...(chosenState === undefined ? {} : { chosen: chosenState }),
  };
}

interface Assessed {
  readonly state: Omit<VersionState, 'reason'>;
  readonly ruledOut?: Reason;
}

function assess(input: ResolveInput, { version, offered, installed }: CollectedVersion): Assessed {
  const { component } = input;
  const has = (instances: ReadonlyMap<string, unknown>) => component.transfers.every(({ id }) => instances.has(id));
  const verdict = judgeVersion(input, offered, installed);
  const hashes = [...offered.values(), ...installed.values()].flatMap(({ sha256 }) => sha256 ?? []);
  const badReason = hashes.map((sha256) => input.bad.get(sha256)).find((reason) => reason !== undefined);
  const below = component.transfers.find(({ minVersion }) => minVersion && compareVersions(version, minVersion) < 0);
  const asked = input.requested !== undefined && isSameVersion(version, input.requested);

  const state = {
    version,
    offered,
    installed,
    available: has(offered),
    complete: has(installed),
    active: input.active !== undefined && isSameVersion(version, input.active),
    compatible: verdict.compatible,
    obsolete: below !== undefined,
    protected: component.transfers.some(({ protectVersions }) => protectVersions.includes(version)),
    held: input.held.has(version) || (input.pinned !== undefined && input.pinned !== version),
    bad: badReason !== undefined,
  };
  const ruledOut = ((): Reason | undefined => {
    if (!state.available && !state.complete && !repairable(component, offered, installed)) {
      return { code: 'incomplete', text: 'not every transfer has it' };
    }
    if (below) return { code: 'obsolete', text: `below MinVersion=${below.minVersion}` };
    const { maxVersion, skipVersions } = component.settings;
    if (maxVersion !== undefined && compareVersions(version, maxVersion) > 0) {
      return { code: 'above-max', text: `above MaxVersion=${maxVersion}` };
    }
    const glob = skipVersions.find((skipped) => matchesGlob(skipped, version));
    if (glob !== undefined) return { code: 'skipped', text: `matches SkipVersions=${glob}` };
    if (verdict.compatible === false) return { code: 'incompatible', text: verdict.text };
    // Two contents under one name: nobody can tell which of them the publisher meant.
    const doubtful = [...offered.values()].find(({ republished }) => republished);
    if (doubtful && !state.complete) {
      return { code: 'republished', text: `${doubtful.name} was published again with another content` };
    }
    // A person who names a version takes a hold or a bad mark upon themselves.
    if (badReason !== undefined && !asked) return { code: 'bad', text: badReason };
    if (asked) return undefined;
    const { name } = component;
    if (input.pinned !== undefined && input.pinned !== version) {
      return { code: 'held', text: `held at ${input.pinned}; "extupdate unhold ${name}" releases it` };
    }
    if (state.held) return { code: 'held', text: `held; "extupdate unhold ${name}" releases it` };
    const { onWithdrawn } = component.settings;
    if (onWithdrawn !== 'keep' && input.withdrawn?.has(version) && input.pinned === undefined) {
      return { code: 'withdrawn', text: `its source does not offer it any more (OnWithdrawn=${onWithdrawn})` };
    }
    return undefined;
  })();
  return ruledOut ? { state, ruledOut } : { state };
}

/** A version that is partly here and partly offered can be made whole. */
function repairable(
  component: Component,
  offered: ReadonlyMap<string, unknown>,
  installed: ReadonlyMap<string, unknown>,
): boolean {
  return installed.size > 0 && component.transfers.every(({ id }) => offered.has(id) || installed.has(id));
}

/** One image that does not fit rules out the version; one that is unknown leaves it open. */
function judgeVersion(
  input: ResolveInput,
  offered: ReadonlyMap<string, OfferedInstance>,
  installed: ReadonlyMap<string, InstalledInstance>,
): { compatible: boolean | null; text: string } {
  let open = false;
  for (const transfer of input.component.transfers) {
    if (transfer.kind === 'none') continue;
    const here = installed.get(transfer.id);
    const there = offered.get(transfer.id);
    const facts = here?.facts ?? (there && input.factsOf(there.sha256));
    if (!facts) {
      open = true;
      continue;
    }
    const fileName = here?.name ?? (there ? input.fileNameOf(transfer, there) : '');
    const verdict = judgeImage(facts, { kind: transfer.kind, imageName: imageNameOf(transfer, fileName) }, input.host);
    if (!verdict.fits) return { compatible: false, text: verdict.text };
  }
  return { compatible: open ? null : true, text: '' };
}

/** What was decided: `passedOver` is the newest that is held, if it is newer than what was chosen. */
interface Decision {
  readonly chosen: Assessed | undefined;
  readonly passedOver: Assessed | undefined;
}

function reasonFor(entry: Assessed, { chosen, passedOver }: Decision, input: ResolveInput): Reason {
  if (entry.ruledOut) return entry.ruledOut;
  if (entry === chosen) {
    return { code: entry.state.active ? 'current' : 'chosen', text: whyChosen(entry, passedOver, input) };
  }
  if (input.requested !== undefined && entry.state.version !== input.requested) {
    return { code: 'not-requested', text: `${input.requested} was asked for` };
  }
  if (entry.state.compatible === null) return { code: 'unknown', text: 'not looked at: a newer one comes first' };
  return { code: 'older', text: `older than ${chosen?.state.version}` };
}

function whyChosen(
  { state }: Assessed,
  passedOver: Assessed | undefined,
  { component, pinned, requested }: ResolveInput,
): string {
  if (requested !== undefined && !state.active) return 'asked for';
  if (pinned === state.version) return 'held at this version';
  if (state.compatible === null) {
    const open = state.complete ? 'it could not be looked into' : 'whether it fits shows when it is acquired';
    return `the newest that is not ruled out; ${open}`;
  }
  const waits = state.complete && !state.active;
  if (waits && component.settings.activate === 'reboot') return 'becomes active at the next boot';
  if (waits && component.settings.activate === 'manual') return 'waits for "apply --now"';
  if (passedOver) return `the newest version that fits and is not held (${passedOver.state.version} is)`;
  return 'the newest version that fits';
}
