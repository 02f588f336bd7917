/** The directories in which systemd looks for images, and what a target directory therefore holds. */
import type { Kind, TransferTarget } from '../types.ts';

/** systemd-sysext(8), systemd-confext(8), portablectl(1) of 257 to 262; the first directory wins for a name. */
export const searchDirectories = {
  sysext: ['/etc/extensions', '/run/extensions', '/var/lib/extensions'],
  confext: ['/run/confexts', '/var/lib/confexts', '/usr/local/lib/confexts', '/usr/lib/confexts'],
  portable: [
    '/etc/portables',
    '/run/portables',
    '/var/lib/portables',
    '/usr/local/lib/portables',
    '/usr/lib/portables',
  ],
} as const satisfies Readonly<Record<Exclude<Kind, 'none'>, readonly string[]>>;

/** Where stores stand: a directory named `extensions` elsewhere is some other program's. */
const STORE_PARENTS = ['/etc', '/run', '/var/lib', '/usr/lib', '/usr/local/lib', '/opt', '/oem'];

/** Stores beside the search directories, by convention: `/var/lib/extensions.d` on Fedora, `/opt/extensions` on Flatcar. */
const STORE_NAMES: ReadonlyMap<string, Kind> = new Map([
  ['extensions', 'sysext'],
  ['extensions.d', 'sysext'],
  ['confexts', 'confext'],
  ['confexts.d', 'confext'],
  ['portables', 'portable'],
  ['portables.d', 'portable'],
]);

/** Whether systemd takes every entry of the directory for an image. */
export function isSearchDirectory(path: string): boolean {
  return Object.values(searchDirectories).some((paths) => (paths as readonly string[]).includes(path));
}

/** Whether others may have images in the directory, too: one that systemd searches, or a store beside it. */
export function isSharedDirectory(path: string): boolean {
  return isSearchDirectory(path) || STORE_NAMES.has(path.slice(path.lastIndexOf('/') + 1));
}

/** The default of `Kind=`: from the directory of `CurrentSymlink=`, else from `Path=`. */
export function kindOfTarget(target: Pick<TransferTarget, 'path' | 'currentSymlink'>): Kind {
  for (const path of [target.currentSymlink, `${target.path}/file`]) {
    const parent = STORE_PARENTS.find((directory) => path?.startsWith(`${directory}/`));
    const name = parent && path?.slice(parent.length + 1).split('/')[0];
    const kind = name && STORE_NAMES.get(name);
    if (kind) return kind;
  }
  return 'none';
}
