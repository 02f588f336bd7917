/** What is installed of a component, whichever OS it is for, and what systemd sees of it now. */
import { readdirSync, readlinkSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pointLink } from '../apply/expose.ts';
import { isSharedDirectory } from '../definition/kind.ts';
import { syncDirectory } from '../os/atomic-file.ts';
import { removeTemporaries } from '../os/remove-tree.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { isMissing, storageError } from '../os/storage-error.ts';
import { exposureOf, PARKED } from '../resolve/exposure.ts';
import { shownName } from '../target/active.ts';
import { listInstalled } from '../target/list-installed.ts';
import type { Component, InstalledInstance, Transfer } from '../types.ts';

/** What is there of one transfer. */
export interface InstalledPart {
  readonly transfer: Transfer;
  readonly installed: readonly InstalledInstance[];
  /** The file that systemd sees; undefined for none. */
  readonly shown: InstalledInstance | undefined;
}

/** All transfers of a component, on or off, as they are under this OS and under others; each place once. */
export function transfersOf(components: readonly Component[], name: string): Transfer[] {
  const own = components.filter((component) => component.name === name);
  const all = own.flatMap(({ transfers, disabledTransfers }) => [...transfers, ...disabledTransfers]);
  const keyOf = ({ target }: Transfer) =>
    JSON.stringify([target.path, target.currentSymlink, target.patterns.map(({ text }) => text)]);
  return [...new Map(all.map((transfer) => [keyOf(transfer), transfer])).values()];
}

/** Looks what is installed of transfers. @throws StorageError */
export async function installedParts(
  place: string,
  transfers: readonly Transfer[],
  state: Pick<State, 'installed'>,
  architecture: string,
): Promise<InstalledPart[]> {
  const seen = new Set<string>();
  const parts: InstalledPart[] = [];
  for (const transfer of transfers) {
    const all = await listInstalled(place, transfer, state, { readImages: false });
    const shownFile = shownName(place, transfer, all, architecture);
    const shown = all.find(({ name }) => name === shownFile);
    // Patterns of several OSes match the same file.
    const installed = all.filter(({ path }) => !seen.has(path));
    for (const { path } of installed) seen.add(path);
    parts.push({ transfer, installed, shown });
  }
  return parts;
}

/** Removes what is left when the files are gone: a link into the directory, and directories that nobody else uses. */
export async function removeRemains(place: string, transfer: Transfer): Promise<void> {
  const { path } = transfer.target;
  const exposure = exposureOf(transfer);
  try {
    if (exposure.how === 'symlink' && leadsInto(place, exposure.link, path)) {
      await pointLink(place, transfer, exposure, undefined);
    }
    const directory = resolveInRoot(place, path);
    for (const one of [join(directory, PARKED), directory]) await removeTemporaries(one);
    await settle(join(directory, PARKED), true);
    await settle(directory, !isSharedDirectory(path));
  } catch (error) {
    throw storageError(path, error);
  }
}

/** Whether a link names something in a directory, be it there or not. */
function leadsInto(place: string, link: string, directory: string): boolean {
  try {
    const target = readlinkSync(resolveInRoot(place, link, false));
    const leads = resolveInRoot(place, target.startsWith('/') ? target : join(dirname(link), target), false);
    return leads.startsWith(`${resolveInRoot(place, directory)}/`);
  } catch {
    // There is none, or it is no link.
    return false;
  }
}

/**
 * Makes what was removed from a directory durable, for the definition, which would remove it once more, goes after it.
 * @param mayGo whether an empty directory goes, too
 */
async function settle(directory: string, mayGo: boolean): Promise<void> {
  try {
    if (!mayGo || readdirSync(directory).length > 0) return await syncDirectory(directory);
    await rmdir(directory);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await syncDirectory(dirname(directory));
}
