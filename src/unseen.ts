/** What of extupdate's own files this user may not read: what is said without them may be wrong, so that is said, too. */
import { accessSync, constants } from 'node:fs';
import { resolveInRoot } from './os/root.ts';
import { STATE_PATH } from './os/state.ts';
import { errorCode } from './os/storage-error.ts';
import { STAGING_PATH } from './source/staging.ts';

/** What is not known without a file or directory. */
const PLACES = [
  { path: STATE_PATH, what: 'holds, marks, and where files came from' },
  { path: '/var/lib/extupdate/os', what: 'what other OSes need' },
  { path: '/var/lib/extupdate/history.jsonl', what: 'what was done' },
  { path: '/var/lib/extupdate/sources', what: 'what was seen of sources' },
  { path: STAGING_PATH, what: 'what was downloaded, and lists that were saved' },
] as const;

export interface Unseen {
  /** As seen inside the root. */
  readonly path: string;
  /** What is therefore not known. */
  readonly what: string;
}

/** The places that are there, or may be, and that this user may not look into. @param root '' or that of `--root=` */
export function unseenPlaces(root: string): Unseen[] {
  return PLACES.filter(({ path }) => isDenied(root, path));
}

/** One line for all of them. */
export function unseenNotice(unseen: readonly Unseen[]): string {
  return `not shown to this user: ${unseen.map(({ what }) => what).join('; ')}; run as root to see it`;
}

/** What cannot be looked at for another reason is told where it is needed. */
function isDenied(root: string, path: string): boolean {
  try {
    accessSync(resolveInRoot(root, path), constants.R_OK);
    return false;
  } catch (error) {
    return errorCode(error) === 'EACCES';
  }
}
