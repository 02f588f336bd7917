/**
 * Makes one version of an image the one that systemd sees, and nothing else of ours. Each step is one rename: the new
 * version becomes visible first, the others are parked second, so a run that dies in between leaves more visible than
 * planned, never nothing, and the next run finishes.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import { rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { StorageError } from '../errors.ts';
import { dropFile, makeDirectories, syncDirectory, temporaryPath } from '../os/atomic-file.ts';
import { requireNoLinks } from '../os/own-place.ts';
import { resolveInRoot } from '../os/root.ts';
import { storageError } from '../os/storage-error.ts';
import { moveEntry } from '../os/tree-marks.ts';
import { exposureOf, PARKED } from '../resolve/exposure.ts';
import { comparePreference, isCandidate, parseVpickName } from '../resolve/vpick.ts';
import { pickedName } from '../target/active.ts';
import { ownNames } from '../target/list-installed.ts';
import { versionedBase } from '../target/paths.ts';
import type { Transfer } from '../types.ts';

/**
 * Exposes the file `name` of a transfer; undefined exposes nothing of it.
 * @param root '' or the directory of `--root=`, or an underlay
 * @throws StorageError
 */
export async function expose(
  root: string,
  transfer: Transfer,
  name: string | undefined,
  architecture: string,
): Promise<void> {
  const directory = resolveInRoot(root, transfer.target.path);
  const exposure = exposureOf(transfer);
  try {
    requireNoLinks(directory, join(directory, PARKED, 'x'));
    switch (exposure.how) {
      case 'versioned-directory':
        if (name !== undefined) await unpark(directory, name);
        for (const other of preferredTo(directory, transfer, exposure.suffix, name, architecture)) {
          await park(directory, other);
        }
        checkPicked(directory, transfer, exposure.suffix, name, architecture);
        break;
      case 'search-directory':
        if (name !== undefined) await unpark(directory, name);
        for (const other of ownNames(directory, transfer)) if (other !== name) await park(directory, other);
        break;
      case 'symlink':
        await pointLink(root, transfer, exposure, name);
        // In a search directory the versions would be extensions of their own beside the link.
        if (exposure.inSearchDirectory) {
          for (const other of ownNames(directory, transfer)) await park(directory, other);
        }
        break;
      case 'none':
        break;
    }
  } catch (error) {
    throw storageError(transfer.target.path, error);
  }
}

/** What vpick would take before `name`; with no name, everything of ours. */
function preferredTo(
  directory: string,
  transfer: Transfer,
  suffix: string,
  name: string | undefined,
  architecture: string,
): string[] {
  const base = versionedBase(transfer.target.path, suffix);
  const chosen = name === undefined ? undefined : parseVpickName(name, base, suffix);
  return ownNames(directory, transfer).filter((other) => {
    if (other === name) return false;
    const entry = parseVpickName(other, base, suffix);
    // 257 takes names that later ones do not (versions with "+" and "_").
    if (!entry) return other.startsWith(`${base}_`) && other.endsWith(suffix);
    if (!isCandidate(entry, architecture)) return false;
    return chosen === undefined || comparePreference(entry, chosen, architecture) < 0;
  });
}

function checkPicked(
  directory: string,
  transfer: Transfer,
  suffix: string,
  name: string | undefined,
  architecture: string,
): void {
  const picked = pickedName(directory, transfer, suffix, architecture);
  if (picked === name) return;
  const at = transfer.target.path;
  throw new StorageError(
    picked === undefined
      ? `${at}/${name}: systemd does not read this name in a .v directory`
      : `${at}: systemd prefers ${picked}, which no definition owns, to ${name ?? 'nothing'}`,
    { next: picked === undefined ? 'use MatchPattern=NAME_@v.raw in [Target]' : `move ${at}/${picked} away` },
  );
}

async function unpark(directory: string, name: string): Promise<void> {
  const parked = join(directory, PARKED, name);
  if (lstatSync(parked, { throwIfNoEntry: false }) === undefined) return;
  await moveEntry(parked, join(directory, name));
  await syncDirectory(directory);
}

async function park(directory: string, name: string): Promise<void> {
  await makeDirectories(join(directory, PARKED));
  await moveEntry(join(directory, name), join(directory, PARKED, name));
  await syncDirectory(join(directory, PARKED));
  await syncDirectory(directory);
}

/** Points `CurrentSymlink=` at the version: a new link renamed over the old one, relative as systemd-sysupdate makes it. */
export async function pointLink(
  root: string,
  transfer: Transfer,
  exposure: { readonly link: string; readonly inSearchDirectory: boolean },
  name: string | undefined,
): Promise<void> {
  const place = resolveInRoot(root, exposure.link, false);
  const present = lstatSync(place, { throwIfNoEntry: false });
  if (present && !present.isSymbolicLink()) {
    throw new StorageError(`${exposure.link}: is not a symbolic link, leaving it alone`, {
      next: 'move it away, or choose another CurrentSymlink=',
    });
  }
  const parent = dirname(place);
  if (name === undefined) {
    if (present) {
      await rm(place);
      await syncDirectory(parent);
    }
    return;
  }
  const directory = exposure.inSearchDirectory ? join(transfer.target.path, PARKED) : transfer.target.path;
  if (exposure.inSearchDirectory) await parkChosen(root, transfer, name);
  const target = relative(dirname(exposure.link), join(directory, name));
  if (present && readlinkSync(place) === target) return;
  await makeDirectories(parent);
  const temporary = temporaryPath(place);
  await symlink(target, temporary);
  try {
    await rename(temporary, place);
  } catch (error) {
    await dropFile(temporary);
    throw error;
  }
  await syncDirectory(parent);
}

/** The link has to point at the place where the version will stay. */
async function parkChosen(root: string, transfer: Transfer, name: string): Promise<void> {
  const directory = resolveInRoot(root, transfer.target.path);
  if (lstatSync(join(directory, name), { throwIfNoEntry: false })) await park(directory, name);
}
