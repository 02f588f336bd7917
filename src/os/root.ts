/**
 * Paths below `--root=`. Symbolic links are resolved inside the root, as chroot(2) would see them, so that an absolute
 * link in a tree never leads out of it.
 */
import { type Dirent, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StorageError } from '../errors.ts';
import { isMissing, storageError } from './storage-error.ts';

/** Links that are followed before a loop is assumed (Linux: 40). */
const LINKS_MAX = 40;

/** A symbolic link that leads back to itself. */
export class LinkLoopError extends StorageError {}

/**
 * The place of `path` outside of the root, with all links resolved inside it.
 * @param prefix the root without a trailing slash; '' is the root of this machine
 * @param path an absolute path as seen inside the root; parts that do not exist are kept as they are
 * @param followLast whether a link in the last part is followed too
 * @throws LinkLoopError
 */
export function resolveInRoot(prefix: string, path: string, followLast = true): string {
  const pending = partsOf(path);
  const done: string[] = [];
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = join(prefix || '/', ...done, part);
    const target = followLast || pending.length > 0 ? linkTarget(here) : undefined;
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) {
      throw new LinkLoopError(`${path}: too many symbolic links`, { next: `look at the links in ${here}` });
    }
    if (target.startsWith('/')) done.length = 0;
    pending.unshift(...partsOf(target));
  }
  return join(prefix || '/', ...done);
}

/** Places and listings of many paths below one root, in a phase in which nothing there changes: each is asked for once. */
export interface Tree {
  /** See {@link resolveInRoot}. */
  resolve(path: string): string;
  /** What is in a directory; nothing where there is none. @throws StorageError */
  list(path: string): readonly Dirent[];
}

/** @param prefix see {@link resolveInRoot} */
export function treeAt(prefix: string): Tree {
  const parents = new Map<string, string>();
  const listings = new Map<string, readonly Dirent[]>();
  const resolve = (path: string) => {
    const parent = dirname(path);
    const place = parents.get(parent) ?? resolveInRoot(prefix, parent);
    parents.set(parent, place);
    const here = join(place, basename(path));
    return linkTarget(here) === undefined ? here : resolveInRoot(prefix, path);
  };
  const isKnownMissing = (path: string) => {
    const siblings = listings.get(dirname(path));
    return siblings !== undefined && !siblings.some(({ name }) => name === basename(path));
  };
  return {
    resolve,
    list(path) {
      const known = listings.get(path) ?? (isKnownMissing(path) ? [] : entriesOf(resolve(path)));
      listings.set(path, known);
      return known;
    },
  };
}

/** A tree in which the paths below `directory` are those of another tree. */
export function withDirectoryOf(base: Tree, directory: string, other: Tree): Tree {
  const treeOf = (path: string) => (path === directory || path.startsWith(`${directory}/`) ? other : base);
  return { resolve: (path) => treeOf(path).resolve(path), list: (path) => treeOf(path).list(path) };
}

/** A bare `/usr`, as the tree that it belongs to. */
export function bareUsrAt(place: string): Tree {
  const usr = treeAt(place);
  const inUsr = (path: string) => path.replace(/^\/usr(?=\/|$)/, '') || '/';
  return { resolve: (path) => usr.resolve(inUsr(path)), list: (path) => usr.list(inUsr(path)) };
}

function entriesOf(place: string): Dirent[] {
  try {
    return readdirSync(place, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw storageError(place, error);
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** What a symbolic link names; undefined for everything else, and for what nobody may look at. */
export function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
