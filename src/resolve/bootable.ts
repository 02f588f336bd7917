/**
 * Which operating systems a machine can boot: what the platform tells, else the last two that were booted; and what was
 * prepared last and not booted yet. Pure.
 */
import type { ReleaseFields } from '../types.ts';
import { type Boot, lastBooted } from './boots.ts';
import { type KnownOs, knownOs } from './os-identity.ts';
import { type OsRecord, releaseOf } from './record.ts';

export interface BootableOs extends KnownOs {
  readonly running: boolean;
  /** How it is known. */
  readonly origin: 'running' | 'snapper' | 'ostree' | 'uki' | 'slot' | 'history' | 'prepared';
  /** Where it was found, as seen inside the root; '' for what is only remembered. */
  readonly where: string;
  /** Directory inside the root that holds its `usr/`, where it can be looked into. */
  readonly osRoot?: string | undefined;
}

export interface Bootable {
  /** The running one first. */
  readonly oses: readonly BootableOs[];
  /** Whether these are all: only then is anything forgotten about the others. */
  readonly certain: boolean;
}

/** An OS as the platform shows it. */
export type ShownOs = Pick<BootableOs, 'origin' | 'where' | 'deployment' | 'osRoot'> & {
  readonly fields: ReleaseFields;
};

export interface BootableInput {
  readonly running: KnownOs;
  /** Path of the running OS's tree. */
  readonly root: string;
  /** What the platform shows; undefined where it shows nothing of the kind. */
  readonly shown?: { readonly found: readonly ShownOs[]; readonly complete: boolean } | undefined;
  readonly boots: readonly Boot[];
  /** By name of the OS. */
  readonly records: ReadonlyMap<string, OsRecord>;
  /** Names of the OSes that were prepared last and were not booted since. */
  readonly prepared: readonly string[];
}

/** OSes that are taken for bootable where the platform does not tell: an A/B pair. */
const BOOTED_TAKEN = 2;

/** Puts together which operating systems can be booted. */
export function bootableOses({ running, root, shown, boots, records, prepared }: BootableInput): Bootable {
  const oses = new Map<string, BootableOs>();
  const add = (os: KnownOs, origin: BootableOs['origin'], where: string, osRoot?: string) => {
    if (!oses.has(os.name)) oses.set(os.name, { ...os, running: origin === 'running', origin, where, osRoot });
  };
  const asKnown = (fields: ReleaseFields, deployment?: string | null) =>
    knownOs({ ...running.release, fields, initrd: false }, deployment ?? undefined);
  add(running, 'running', root === '' ? '/' : root);
  for (const { fields, deployment, origin, where, osRoot } of shown?.found ?? [])
    add(asKnown(fields, deployment), origin, where, osRoot);

  // What does not even show the OS that is running does not show everything.
  const showsRunning = shown?.found.some(({ fields }) => asKnown(fields).identity === running.identity) ?? false;
  const isShown = shown?.complete === true && showsRunning;
  if (!isShown) {
    for (const { release, deployment } of lastBooted(boots, BOOTED_TAKEN))
      add(asKnown(release, deployment), 'history', '');
  }
  for (const record of prepared.flatMap((name) => records.get(name) ?? [])) {
    add(asKnown(releaseOf(record), record.deployment), 'prepared', '');
  }
  // A history that knows no other OS may be one that was lost: what else can be booted is anybody's guess.
  const isKnown = lastBooted(boots, BOOTED_TAKEN).length === BOOTED_TAKEN;
  return { oses: [...oses.values()], certain: shown === undefined ? isKnown : isShown };
}

/**
 * The bootable OSes besides the running one. Where it is not known which deployment runs (below `--root=`), those of its
 * own release count as it.
 */
export function otherOses({ oses }: Bootable): BootableOs[] {
  const running = oses.find((os) => os.running);
  return oses.filter((os) => !os.running && (running?.deployment !== undefined || os.identity !== running?.identity));
}
