/** The images in the search directories of systemd, as it finds them (discover-image.c, vpick.c). */
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { searchDirectories } from '../../definition/kind.ts';
import { readLocalFacts } from '../../image/read-local-facts.ts';
import { isTemporaryName } from '../../os/atomic-file.ts';
import { LinkLoopError, resolveInRoot } from '../../os/root.ts';
import { errorCode, isMissing } from '../../os/storage-error.ts';
import { judgeImage } from '../../resolve/compatibility.ts';
import { pickedFrom } from '../../target/active.ts';
import type { Component, HostRelease } from '../../types.ts';
import type { Obstacle, VisibleImage } from '../check-extensions.ts';

/** Directories that look as if systemd searched them. */
const UNSEARCHED = ['/usr/lib/extensions', '/usr/local/lib/extensions', '/etc/confexts'] as const;

export interface FoundImages {
  readonly images: readonly VisibleImage[];
  /** Entries of which nothing can be told. */
  readonly obstacles: readonly Obstacle[];
  /** Entries of directories that systemd does not search. */
  readonly elsewhere: readonly string[];
  /** Directories that cannot be listed, and why. */
  readonly unreadable: readonly { readonly path: string; readonly error: string }[];
}

/** What one entry is, before its content is judged. */
type Entry = Pick<VisibleImage, 'kind' | 'name' | 'path' | 'file' | 'isTree' | 'isMask'>;

/** Looks into all search directories; an entry that cannot be looked at does not stop the rest. @param root '' or the directory of `--root=` */
export async function findVisibleImages(
  root: string,
  host: HostRelease,
  components: readonly Component[],
): Promise<FoundImages> {
  const images: VisibleImage[] = [];
  const obstacles: Obstacle[] = [];
  const unreadable: { path: string; error: string }[] = [];
  const names = (directory: string) => {
    try {
      return readdirSync(resolveInRoot(root, directory)).sort();
    } catch (error) {
      if (!isMissing(error))
        unreadable.push({ path: directory, error: isCircle(error) ? 'ELOOP' : (errorCode(error) ?? '') });
      return [];
    }
  };
  for (const kind of ['confext', 'sysext'] as const) {
    const first = new Map<string, string>();
    for (const directory of searchDirectories[kind]) {
      for (const name of names(directory)) {
        const path = join(directory, name);
        try {
          const entry = entryOf(root, kind, path, host.architecture);
          if (!entry) continue;
          const shadowedBy = first.get(entry.name);
          if (shadowedBy === undefined) first.set(entry.name, entry.path);
          const verdict = await verdictOn(root, entry, host);
          images.push({ ...entry, shadowedBy, component: componentOf(components, entry), verdict });
        } catch (error) {
          obstacles.push({ kind, path, ...obstacleOf(error) });
        }
      }
    }
  }
  const elsewhere = UNSEARCHED.flatMap((directory) => names(directory).map((name) => join(directory, name)));
  return { images, obstacles, elsewhere, unreadable };
}

/** @throws what is no failure of storage */
function obstacleOf(error: unknown): Pick<Obstacle, 'reason' | 'text'> {
  const code = errorCode(error);
  const text = wordsOf(error);
  if (isCircle(error)) return { reason: 'circle', text };
  if (code === 'EACCES' || code === 'EPERM') return { reason: 'closed', text };
  if (code === undefined) throw error;
  return { reason: 'other', text };
}

function isCircle(error: unknown): boolean {
  return error instanceof LinkLoopError || errorCode(error) === 'ELOOP';
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An entry as systemd takes it; undefined for what is none. */
function entryOf(root: string, kind: VisibleImage['kind'], path: string, architecture: string): Entry | undefined {
  const name = basename(path);
  if (name.startsWith('.') || isTemporaryName(name)) return undefined;
  const place = resolveInRoot(root, path);
  const info = statSync(place, { throwIfNoEntry: false });
  const common = { kind, path, isMask: false } as const;
  if (name.endsWith('.v')) {
    const suffix = name.endsWith('.raw.v') ? '.raw' : '';
    const base = name.slice(0, -`${suffix}.v`.length);
    if (info && !info.isDirectory()) return undefined;
    const picked = info ? pickedFrom(place, base, suffix, architecture) : undefined;
    const file = picked === undefined ? undefined : join(path, picked);
    return { ...common, name: imageName(base), file, isTree: suffix === '' };
  }
  const isLink = lstatSync(resolveInRoot(root, path, false), { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!info) return isLink ? { ...common, name: imageName(name), file: undefined, isTree: false } : undefined;
  if (info.isDirectory()) {
    const isMask = isEmpty(place);
    return { ...common, name: imageName(name), file: isLink ? inside(root, place) : path, isTree: true, isMask };
  }
  if (!info.isFile() || !name.endsWith('.raw')) return undefined;
  return { ...common, name: imageName(name), file: isLink ? inside(root, place) : path, isTree: false };
}

/** systemd's name of an image: without its suffix, and without what says which kind it is. */
function imageName(fileName: string): string {
  return fileName.replace(/\.raw$/, '').replace(/\.(sysext|confext)$/, '');
}

async function verdictOn(root: string, { kind, name, file, isMask }: Entry, host: HostRelease) {
  if (file === undefined || isMask) return undefined;
  const facts = await readLocalFacts(resolveInRoot(root, file));
  return facts && judgeImage(facts, { kind, imageName: name }, host);
}

/** By the directory that its file is in, or by the link. */
function componentOf(components: readonly Component[], { path, file }: Entry): string | undefined {
  return components.find(({ transfers, disabledTransfers }) =>
    [...transfers, ...disabledTransfers].some(({ target }) => {
      const isIn = (one: string | undefined) => one?.startsWith(`${target.path}/`) === true;
      // A search directory is not for one component alone.
      const isOwnDirectory = target.path.endsWith('.v') || target.currentSymlink !== undefined;
      return target.currentSymlink === path || target.path === path || (isOwnDirectory && isIn(file));
    }),
  )?.name;
}

function isEmpty(place: string): boolean {
  try {
    return readdirSync(place).length === 0;
  } catch {
    return false;
  }
}

/** A place outside the root as it is seen inside. */
function inside(root: string, place: string): string {
  if (root === '') return place;
  const base = realpathSync(root);
  const real = place.startsWith(`${root}/`) ? place.slice(root.length) : place;
  return real.startsWith(`${base}/`) ? real.slice(base.length) : real;
}
