/** What the names in a published directory mean, and which of them a list can carry. Pure. */
import { compressionSuffix } from '../source/list-offered.ts';
import { parseManifest } from '../source/manifest.ts';

/** The name that all clients ask for. */
export const LIST_NAME = 'SHA256SUMS';

/** The one name of a signature that systemd 257, systemd 262 and extupdate all ask for. */
export const SIGNATURE_NAME = 'SHA256SUMS.gpg';

/** Begins the name of the empty file that says how long the list is good. */
export const BEST_BEFORE_PREFIX = 'BEST-BEFORE-';

/** Why a file is no payload, by its name. */
export type Role = 'hidden' | 'list' | 'best-before' | 'temporary';

/** Tells by its name whether a file is a payload. @returns undefined for one that is to be listed */
export function roleOf(name: string): Role | undefined {
  if (name.startsWith('.')) return 'hidden';
  if (name.startsWith(LIST_NAME)) return 'list';
  if (name.startsWith(BEST_BEFORE_PREFIX)) return 'best-before';
  const isTemporary = /(\.(partial|part|tmp|temp|filepart|crdownload|swp)|~)$|^#.*#$/i.test(name);
  return isTemporary ? 'temporary' : undefined;
}

const SOME_SHA256 = 'a'.repeat(64);

/**
 * Why a name cannot stand in a list: it would break the list for all that is in it, or be passed over.
 * @returns undefined for a name that clients can read
 */
export function nameProblem(name: string): string | undefined {
  // systemd refuses the list for one of these, extupdate passes the entry over.
  if (/[\u0000-\u001f\u007f]/.test(name)) return 'a control character in the name: systemd refuses a list with one';
  if (name.includes('%')) return '"%" in the name: systemd 262 refuses a list with one';
  try {
    const { warnings } = parseManifest(Buffer.from(`${SOME_SHA256} *${name}\n`), LIST_NAME);
    return warnings.length > 0 ? 'the name is too long, or has characters that are not printable' : undefined;
  } catch {
    return 'the name has a backslash, or begins with "~" or like "C:": clients refuse a list with such a name';
  }
}

/** What a file is, as far as its name tells. */
export interface NameParts {
  /** An image, or an archive of a tree, both perhaps compressed. */
  readonly form: 'image' | 'archive' | 'other';
  /** Without the suffixes of the form and of a compression: what its sidecars are named after. */
  readonly stem: string;
  /** The name under which systemd knows it when nothing renames it. */
  readonly imageName: string;
}

/** Takes a file name apart. @param name with all of its suffixes, and without a directory */
export function partsOf(name: string): NameParts {
  const plain = name.replace(compressionSuffix, '');
  if (plain.endsWith('.raw')) return named('image', plain.slice(0, -'.raw'.length));
  const archive = /^(.+)\.tar$/.exec(plain) ?? /^(.+)\.t(?:gz|xz|zst|bz2?)$/.exec(name);
  return archive?.[1] === undefined ? named('other', name) : named('archive', archive[1]);
}

function named(form: NameParts['form'], stem: string): NameParts {
  return { form, stem, imageName: stem.replace(/\.(sysext|confext)$/, '') };
}

/**
 * Files that are read beside versions and are no versions themselves: that they change is nothing to clients which have
 * installed something.
 */
export function isBesideVersions(name: string): boolean {
  return /\.(html?|css|js|txt|md|json|xml|ya?ml|conf|transfer|feature|component|manifest|manifest\.gz|asc|gpg|pgp|sig|pub|crt|pem)$/i.test(
    name,
  );
}

/** Compares by bytes, as `LC_ALL=C` does, so that a list has the same order everywhere. @returns as for sort() */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
