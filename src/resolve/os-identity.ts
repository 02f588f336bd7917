/**
 * What makes an operating system the same one after a reboot: its release, and the deployment where the platform has
 * several of one release. Pure.
 */
import { createHash } from 'node:crypto';
import type { HostRelease, ReleaseFields } from '../types.ts';

/** An operating system that this machine runs, can boot, or has booted. */
export interface OsIdentity {
  /** Name of its record, without `.json`: unique, and safe as a file name. */
  readonly name: string;
  /** `ID:VERSION_ID:VARIANT_ID:IMAGE_ID:IMAGE_VERSION`, each percent-encoded, without empty ones at the end. */
  readonly identity: string;
  /** Snapshot number or ostree deployment, where the platform has such. */
  readonly deployment?: string;
}

/** An operating system with all that images have to fit. */
export interface KnownOs extends OsIdentity {
  readonly release: HostRelease;
}

/** In the order in which UAPI.11 names an OS. */
const IDENTITY_FIELDS = ['ID', 'VERSION_ID', 'VARIANT_ID', 'IMAGE_ID', 'IMAGE_VERSION'] as const;

/** Fields of os-release that matter for images, specifiers and messages; the rest is not remembered. */
const REMEMBERED_FIELDS = [
  ...IDENTITY_FIELDS,
  'ID_LIKE',
  'BUILD_ID',
  'OSTREE_VERSION',
  'SYSEXT_LEVEL',
  'CONFEXT_LEVEL',
  'PRETTY_NAME',
] as const;

/** Longest part of a name, so that with what is added to it it stays a file name. */
const PART_LENGTH_MAX = 100;

/** Names an OS by its os-release and, where there is one, its deployment. */
export function identifyOs(fields: ReleaseFields, deployment?: string): OsIdentity {
  // os-release(5): what does not say its ID is "linux".
  const identity = IDENTITY_FIELDS.map((key) => encode(fields[key] || (key === 'ID' ? 'linux' : '')))
    .join(':')
    .replace(/:+$/, '');
  const short = shorten(identity);
  if (deployment === undefined) return { name: short, identity: short };
  return { name: `${short}@${shorten(encode(deployment))}`, identity: short, deployment };
}

/** Percent-encoded; what is no Unicode is replaced. */
function encode(text: string): string {
  return encodeURIComponent(/[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text);
}

function shorten(text: string): string {
  if (text.length <= PART_LENGTH_MAX) return text;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${text.slice(0, PART_LENGTH_MAX - hash.length - 1)}~${hash}`;
}

/** The identity in the name of a record: what comes before the deployment. */
export function identityOf(name: string): string {
  return name.split('@', 1)[0] ?? name;
}

/** An OS with its release: what the resolver, a record and a message need of it. */
export function knownOs(release: HostRelease, deployment?: string): KnownOs {
  return { ...identifyOs(release.fields, deployment), release };
}

/** The fields by which an OS that is not running can be judged later. */
export function rememberedFields(fields: ReleaseFields): ReleaseFields {
  return Object.fromEntries(
    REMEMBERED_FIELDS.flatMap((key) => (fields[key] === undefined ? [] : [[key, fields[key]]])),
  );
}

/** The OS as people know it: `testos 43`, `fedora 43 (deployment abc.0)`. */
export function describeOs({ release: { fields }, deployment }: KnownOs): string {
  const version = fields.IMAGE_VERSION ?? fields.VERSION_ID ?? fields.BUILD_ID;
  const words = [fields.ID ?? 'unknown', ...(version ? [version] : [])].join(' ');
  return deployment === undefined ? words : `${words} (${deployment.slice(0, 16)})`;
}
