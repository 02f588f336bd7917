/** Which version systemd sees now. */
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { resolveInRoot } from '../os/root.ts';
import { exposureOf, PARKED } from '../resolve/exposure.ts';
import { comparePreference, isCandidate, parseVpickName } from '../resolve/vpick.ts';
import type { InstalledInstance, Transfer } from '../types.ts';
import { newestFirst } from '../version/compare.ts';
import { ownNames } from './list-installed.ts';
import { matchOwn } from './ownership.ts';
import { versionedBase } from './paths.ts';

/**
 * The name of the instance that is exposed; undefined when none of ours is, and where nothing shows any.
 * @param architecture in systemd names; vpick looks at it
 */
export function shownName(
  root: string,
  transfer: Transfer,
  installed: readonly InstalledInstance[],
  architecture: string,
): string | undefined {
  const exposure = exposureOf(transfer);
  switch (exposure.how) {
    case 'versioned-directory':
      return pickedName(resolveInRoot(root, transfer.target.path), transfer, exposure.suffix, architecture);
    case 'symlink':
      return linkedName(root, transfer, exposure.link);
    case 'search-directory':
      return installed.filter(({ parked }) => !parked).sort((a, b) => newestFirst(a.version, b.version))[0]?.name;
    case 'none':
      return undefined;
  }
}

/** What vpick takes out of a `.v` directory, whoever put it there. */
export function pickedName(
  directory: string,
  transfer: Transfer,
  suffix: string,
  architecture: string,
): string | undefined {
  return pickedFrom(directory, versionedBase(transfer.target.path, suffix), suffix, architecture);
}

/** What vpick takes out of a directory for names that begin with `base` and end in `suffix`. */
export function pickedFrom(directory: string, base: string, suffix: string, architecture: string): string | undefined {
  return namesIn(directory)
    .flatMap((name) => parseVpickName(name, base, suffix) ?? [])
    .filter((entry) => isCandidate(entry, architecture))
    .sort((a, b) => comparePreference(a, b, architecture))[0]?.name;
}

/** The instance that a link names: one in the target directory or parked there; undefined for anything else. */
function linkedName(root: string, transfer: Transfer, link: string): string | undefined {
  let resolved: string;
  try {
    const target = readlinkSync(resolveInRoot(root, link, false));
    resolved = resolveInRoot(root, target.startsWith('/') ? target : join(dirname(link), target));
  } catch {
    // There is no link, or one that leads nowhere.
    return undefined;
  }
  const directory = resolveInRoot(root, transfer.target.path);
  const parent = [join(directory, PARKED), directory].find((one) => resolved.startsWith(`${one}/`));
  const name = parent === undefined ? '' : resolved.slice(parent.length + 1);
  const isThere = namesIn(dirname(resolved)).includes(basename(resolved));
  return isThere && matchOwn(transfer, name) !== undefined ? name : undefined;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Whether the file, and nothing else of ours, is what systemd sees: then exposing it again would change nothing. */
export function isExposed(root: string, transfer: Transfer, name: string, architecture: string): boolean {
  const exposure = exposureOf(transfer);
  const directory = resolveInRoot(root, transfer.target.path);
  const visible = () => ownNames(directory, transfer);
  switch (exposure.how) {
    case 'versioned-directory':
      return pickedName(directory, transfer, exposure.suffix, architecture) === name;
    case 'symlink':
      return (
        linkedName(root, transfer, exposure.link) === name && (!exposure.inSearchDirectory || visible().length === 0)
      );
    case 'search-directory':
      return visible().length === 1 && visible()[0] === name;
    case 'none':
      return true;
  }
}
