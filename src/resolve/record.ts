/**
 * What was active under an operating system, so that it can be again when that OS is booted: the format of
 * `/var/lib/extupdate/os/NAME.json`, and how a record changes. Pure.
 */
import * as z from 'zod/mini';
import type { ReleaseFields } from '../types.ts';
import { type KnownOs, rememberedFields } from './os-identity.ts';

const RecordedFile = z.looseObject({
  /** Path as seen inside the root, without `.parked/`. */
  file: z.string(),
  sha256: z.nullable(z.string()),
});

const versionFields = {
  version: z.string(),
  sha256: z.nullable(z.string()),
  file: z.string(),
  /** The files of further transfers of the component. */
  others: z.optional(z.array(RecordedFile)),
  /**
   * Not known to be well under this OS yet: id of the boot in which that was planned, empty when it was planned from
   * another OS. In that same boot the version waits.
   */
  planned: z.optional(z.string()),
};

const RecordedVersion = z.looseObject(versionFields);

const RecordedComponent = z.looseObject({
  ...versionFields,
  /** What the next boot shows in its place; `planned` is the boot in which that was decided. */
  next: z.optional(RecordedVersion),
});

/**
 * Loose, so that what a newer extupdate wrote survives an older one that was rolled back with the OS. A newer format
 * may only add: what stands here keeps its type.
 */
export const OsRecord = z.looseObject({
  format: z.number(),
  identity: z.string(),
  buildId: z.nullable(z.string()),
  ostreeVersion: z.nullable(z.string()),
  deployment: z.nullable(z.string()),
  /** `good` when everything in it has been active under the OS, else `planned`. */
  state: z.string(),
  components: z.record(z.string(), RecordedComponent),
  /** What images were judged against, for as long as the OS cannot be looked into. */
  release: z.optional(z.record(z.string(), z.string())),
});

export type RecordedVersion = z.infer<typeof RecordedVersion>;
export type RecordedComponent = z.infer<typeof RecordedComponent>;
export type OsRecord = z.infer<typeof OsRecord>;

export const RECORD_FORMAT = 1;

/** A record with nothing in it. */
export function emptyRecord(os: KnownOs): OsRecord {
  const { fields } = os.release;
  return {
    format: RECORD_FORMAT,
    identity: os.identity,
    buildId: fields.BUILD_ID ?? null,
    ostreeVersion: fields.OSTREE_VERSION ?? null,
    deployment: os.deployment ?? null,
    state: 'good',
    components: {},
    release: rememberedFields(fields),
  };
}

/**
 * The record of an OS after some components changed.
 * @param entries what now holds for them; undefined takes a component out
 */
export function changeRecord(
  os: KnownOs,
  before: OsRecord | undefined,
  entries: ReadonlyMap<string, RecordedComponent | undefined>,
): OsRecord {
  const empty = emptyRecord(os);
  const components = { ...before?.components };
  for (const [name, entry] of entries) {
    if (entry) components[name] = entry;
    else delete components[name];
  }
  const isPlanned = Object.values(components).some(({ planned, next }) => planned !== undefined || next !== undefined);
  // What a newer format knows besides is kept; what the OS says of itself is as it is now.
  return {
    ...before,
    ...empty,
    format: before?.format ?? empty.format,
    components,
    state: isPlanned ? 'planned' : 'good',
  };
}

/** What a run knows of a component when it ends. */
export interface ComponentOutcome {
  readonly before: RecordedComponent | undefined;
  /** What is visible now; undefined when nothing usable is. */
  readonly active: RecordedVersion | undefined;
  /** What waits for the next boot. */
  readonly waiting?: RecordedVersion | undefined;
  /** The present boot; '' where nothing is booted (`--root=`). */
  readonly bootId: string;
  /** Whether systemd merges in this run. */
  readonly isMerged: boolean;
  /** Whether this run has changed what is visible, or has looked whether it is well. */
  readonly isJudged: boolean;
  /** Whether what is visible is so by a run that was killed before it looked. */
  readonly isOnTrial: boolean;
  /** The version with which the component failed in this run. */
  readonly failed?: string | undefined;
  /** Whether what waits for the next boot goes on waiting. */
  readonly keepsWaiting: boolean;
}

/** The entry of a component after a run: good is only what systemd has merged and nothing speaks against. */
export function entryAfter(outcome: ComponentOutcome): RecordedComponent | undefined {
  const { before, waiting, bootId, keepsWaiting, failed, isJudged } = outcome;
  // A failure does not change what the next boot was told to show.
  if (failed !== undefined && !isJudged && (before?.planned !== undefined || before?.next !== undefined)) return before;
  const kept = keepsWaiting && before?.next?.planned === bootId ? before.next : undefined;
  const next = waiting ? { ...waiting, planned: bootId } : kept;
  const shown = shownAfter(outcome);
  if (!next) return shown;
  if (!shown) return next;
  const { next: due, ...alone } = shown;
  // What became visible with this boot and is still to be judged makes room for what comes after it.
  const visible = due !== undefined && due.version === outcome.active?.version ? due : alone;
  return { ...visible, next };
}

function shownAfter(outcome: ComponentOutcome): RecordedComponent | undefined {
  const { before, active, bootId, isMerged, isJudged, isOnTrial, failed } = outcome;
  if (!active) return undefined;
  // What became visible with a boot, or without systemd, is for `bless` to judge.
  const isOpen = [before?.next, before].some((one) => one?.planned !== undefined && one.version === active.version);
  if (isOpen && (!isJudged || failed !== undefined)) return failed === undefined ? withFilesOf(before, active) : before;
  // What was here before extupdate is taken as it is; after a failure, what is back is as good as it was.
  if (isMerged && failed === undefined && (isJudged || (!before && !isOnTrial))) return asGood(active);
  if (!before || !isSameContent(before, active)) return { ...active, planned: bootId };
  const { next: _, ...alone } = before;
  return alone;
}

/** The version that became visible with the boot and has not been judged: of an earlier boot's plan, or of another OS's. */
export function openVersion(entry: RecordedComponent | undefined, bootId: string): RecordedVersion | undefined {
  return [entry?.next, entry].find((one) => one?.planned !== undefined && one.planned !== bootId);
}

function isSameContent(a: RecordedVersion, b: RecordedVersion): boolean {
  const contentOf = ({ version, sha256, file, others = [] }: RecordedVersion) =>
    JSON.stringify([version, sha256, file, others.map((other) => [other.file, other.sha256])]);
  return contentOf(a) === contentOf(b);
}

/**
 * Whether files are what an entry knows to be well under its OS.
 * @param files what is visible of each transfer; undefined where nothing is
 */
export function isRecordedGood(
  entry: RecordedComponent | undefined,
  files: readonly ({ readonly path: string; readonly sha256?: string | undefined } | undefined)[],
): boolean {
  if (!entry || entry.planned !== undefined) return false;
  const known = new Map([entry, ...(entry.others ?? [])].map(({ file, sha256 }) => [file, sha256]));
  return files.every((one) => one !== undefined && known.get(one.path) === (one.sha256 ?? null));
}

/** The same entry, but for what its version consists of now: features add files to it, and take some away. */
function withFilesOf(entry: RecordedComponent | undefined, active: RecordedVersion): RecordedComponent | undefined {
  if (!entry) return undefined;
  const { next } = entry;
  return { ...renewed(entry, active), ...(next ? { next: renewed(next, active) } : {}) };
}

function renewed<T extends RecordedVersion>(entry: T, { version, sha256, file, others }: RecordedVersion): T {
  return entry.version === version ? { ...entry, sha256, file, others } : entry;
}

/** A recorded version that has been found to be well. */
function asGood({ planned: _, ...entry }: RecordedVersion): RecordedVersion {
  return entry as RecordedVersion;
}

/** Every file that a component needs, as paths inside the root. */
export function filesOf({ file, others, next }: RecordedComponent): string[] {
  return [file, ...(others ?? []).map((other) => other.file), ...(next ? filesOf(next) : [])];
}

/** The SHA-256 of the files of a version, as far as they are known. */
export function hashesOf({ sha256, others }: RecordedVersion): string[] {
  return [sha256, ...(others ?? []).map((other) => other.sha256)].flatMap((hash) => hash ?? []);
}

/** The fields of an OS as its record tells them; of an older format, those in its identity. */
export function releaseOf(record: OsRecord): ReleaseFields {
  if (record.release) return record.release;
  const [id, version, variant, image, imageVersion] = record.identity.split(':').map(decode);
  const fields = { ID: id, VERSION_ID: version, VARIANT_ID: variant, IMAGE_ID: image, IMAGE_VERSION: imageVersion };
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value ? [[key, value]] : [])));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
