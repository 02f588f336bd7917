/**
 * Names in the File Hierarchy for the Verification of OS Artifacts (UAPI.11): which directories are for this OS, and
 * which files are verifiers. Pure.
 */
import type { ReleaseFields } from '../types.ts';

export interface LoadPath {
  readonly path: string;
  /** Whether symbolic links in it count: what is gone after a reboot may hold none but masks. */
  readonly links: boolean;
  /** Whether it is the place of an administrator, who alone masks verifiers. */
  readonly masks: boolean;
}

/** System mode, in descending priority; a link may only lead to the same one or further down. */
export const loadPaths: readonly LoadPath[] = [
  { path: '/etc/voa', links: true, masks: true },
  { path: '/run/voa', links: false, masks: true },
  { path: '/usr/local/share/voa', links: true, masks: false },
  { path: '/usr/share/voa', links: true, masks: false },
];

/** What keys for lists of images are for. With `trust-anchor-` before it: what vouches for those keys. */
export const roles = ['repository-metadata', 'image'] as const;

export const technology = 'openpgp';

/** In the order in which a name of an OS has them. */
const OS_FIELDS = ['ID', 'VERSION_ID', 'VARIANT_ID', 'IMAGE_ID', 'IMAGE_VERSION'] as const;

const IDENTIFIER = /^[0-9a-z._-]+$/;

/**
 * Whether a directory is for an OS: every part that its name gives is that of os-release. VOA itself does not go from
 * one name to another, but lets applications ask for several; these are the names that say nothing false.
 * @param name `ID:VERSION_ID:VARIANT_ID:IMAGE_ID:IMAGE_VERSION`, with parts left out
 */
export function isOfOs(name: string, fields: ReleaseFields): boolean {
  const parts = name.split(':');
  const [id] = parts;
  if (!id || parts.length > OS_FIELDS.length || parts.at(-1) === '') return false;
  return parts.every((part, index) => {
    const field = OS_FIELDS[index];
    return part === '' || (IDENTIFIER.test(part) && field !== undefined && part === osField(fields, field));
  });
}

function osField(fields: ReleaseFields, field: (typeof OS_FIELDS)[number]): string {
  // os-release(5): what does not say its ID is "linux".
  return fields[field] || (field === 'ID' ? 'linux' : '');
}

/** The context for keys of one component only; undefined for a name that can be none. */
export function contextOf(component: string): string | undefined {
  return IDENTIFIER.test(component) && component !== defaultContext ? component : undefined;
}

/** The context for all components. */
export const defaultContext = 'default';

/** The fingerprint in the name of a verifier file; undefined for another file. */
export function verifierFingerprint(fileName: string): string | undefined {
  return /^([0-9a-f]{40}|[0-9a-f]{64})\.openpgp$/.exec(fileName)?.[1];
}
