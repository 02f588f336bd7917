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

const RecordedComponent = z.looseObject({
  version: z.string(),
  sha256: z.nullable(z.string()),
  file: z.string(),
  /** The files of further transfers of the component. */
  others: z.optional(z.array(RecordedFile)),
  /**
   * Not active under this OS yet: id of the boot in which that was planned, empty when it was planned from another OS.
   * In that same boot the version waits.
   */
  planned: z.optional(z.string()),
});

/** Loose, so that what a newer extupdate wrote survives an older one that was rolled back with the OS. */
export const OsRecord = z.looseObject({
  format: z.number(),
  identity: z.string(),
  buildId: z.nullable(z.string()),
  ostreeVersion: z.nullable(z.string()),
  deployment: z.nullable(z.string()),
  /** `good` when everything in it has been active under the OS. */
  state: z.enum(['planned', 'good']),
  components: z.record(z.string(), RecordedComponent),
  /** What images were judged against, for as long as the OS cannot be looked into. */
  release: z.optional(z.record(z.string(), z.string())),
  /** When it was last changed (RFC 3339). */
  changed: z.optional(z.string()),
});

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
  now: Date,
): OsRecord {
  const base = before ?? emptyRecord(os);
  const components = { ...base.components };
  for (const [name, entry] of entries) {
    if (entry) components[name] = entry;
    else delete components[name];
  }
  const { changed: _, ...rest } = { ...emptyRecord(os), ...base, release: rememberedFields(os.release.fields) };
  const isPlanned = Object.values(components).some(({ planned }) => planned !== undefined);
  const after: OsRecord = { ...rest, components, state: isPlanned ? 'planned' : 'good' };
  // The time alone is no change: an unchanged record is not written again.
  const isSame =
    before !== undefined && JSON.stringify({ ...before, changed: '' }) === JSON.stringify({ ...after, changed: '' });
  return isSame ? before : { ...after, changed: now.toISOString() };
}

/** A recorded component that has been active now. */
export function asGood({ planned: _, ...entry }: RecordedComponent): RecordedComponent {
  return entry as RecordedComponent;
}

/** Every file that a component needs, as paths inside the root. */
export function filesOf({ file, others }: RecordedComponent): string[] {
  return [file, ...(others ?? []).map((other) => other.file)];
}

/** The SHA-256 of those files, as far as they are known. */
export function hashesOf({ sha256, others }: RecordedComponent): string[] {
  return [sha256, ...(others ?? []).map((other) => other.sha256)].flatMap((hash) => hash ?? []);
}

/** The fields of an OS as its record tells them; undefined for a record of an older format without them. */
export function releaseOf(record: OsRecord): ReleaseFields {
  if (record.release) return record.release;
  const [id, version, variant, image, imageVersion] = record.identity.split(':').map(decodeURIComponent);
  const fields = { ID: id, VERSION_ID: version, VARIANT_ID: variant, IMAGE_ID: image, IMAGE_VERSION: imageVersion };
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (value ? [[key, value]] : [])));
}
