/** Which services mount an image of which component, by where the paths of their settings lead. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { State } from '../os/state.ts';
import { PARKED } from '../resolve/exposure.ts';
import { pickedFrom } from '../target/active.ts';
import { listInstalled } from '../target/list-installed.ts';
import type { Component, InstalledInstance, Transfer } from '../types.ts';
import { listServiceUnits } from './list-units.ts';
import { type ExtensionEntry, isRunning, type ServiceUnit } from './service-units.ts';

/** A running service that mounts an image of ours. */
export interface ServiceUse {
  readonly unit: ServiceUnit;
  readonly component: string;
  readonly transfer: Transfer;
  /** What of the transfer is here. */
  readonly installed: readonly InstalledInstance[];
  /** What systemd would mount if the service were started now; undefined when there is nothing. */
  readonly exposed: InstalledInstance | undefined;
}

/** What systemd finds where a setting leads. */
interface Place {
  /** All links resolved; undefined when there is nothing in the `.v` directory. */
  readonly path: string | undefined;
  readonly directory: string;
}

/**
 * The running services that use one of the components. What is in the same place and not ours makes no use.
 * @param architecture in systemd names; vpick looks at it
 */
export async function findUses(
  state: State,
  components: readonly Pick<Component, 'name' | 'transfers'>[],
  architecture: string,
): Promise<ServiceUse[]> {
  const units = (await listServiceUnits()).filter(isRunning);
  const uses: ServiceUse[] = [];
  for (const unit of units.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const entry of unit.extensions) {
      const place = placeOf(entry, architecture);
      const found = place && ownerOf(place, components);
      if (!found) continue;
      const { component, transfer, target } = found;
      const installed = await listInstalled('', transfer, state, { readImages: false });
      const exposed = installed.find(({ name, parked }) => join(target, parked ? PARKED : '', name) === place.path);
      if (place.path !== undefined && !exposed) continue;
      uses.push({ unit, component: component.name, transfer, installed, exposed });
    }
  }
  return uses;
}

/** The transfer in whose target directory it is. */
function ownerOf<T extends Pick<Component, 'transfers'>>({ directory }: Place, components: readonly T[]) {
  for (const component of components) {
    for (const transfer of component.transfers) {
      const target = realPath(transfer.target.path);
      if (target !== undefined && `${directory}/`.startsWith(`${target}/`)) return { component, transfer, target };
    }
  }
  return undefined;
}

/** What systemd makes of an entry (systemd.v(7), vpick.c): the best file of a `.v` directory, or what the path names. */
function placeOf({ what, paths }: ExtensionEntry, architecture: string): Place | undefined {
  let empty: Place | undefined;
  for (const path of paths) {
    const choice = choiceAt(path, what);
    const directory = choice && realPath(choice.directory);
    const name = choice && directory && pickedFrom(directory, choice.base, choice.suffix, architecture);
    const real = realPath(choice ? join(choice.directory, name ?? '') : path);
    if (real !== undefined && (!choice || name !== undefined)) return { path: real, directory: dirname(real) };
    if (directory !== undefined) empty ??= { path: undefined, directory };
  }
  return empty;
}

/** The directory in which systemd chooses, and among which names; undefined when it does not choose. */
function choiceAt(path: string, what: ExtensionEntry['what']) {
  const [last, parent] = [basename(path), dirname(path)];
  if (last.endsWith('.v')) {
    const suffix = what === 'image' ? '.raw' : '';
    return { directory: path, base: withoutEnd(withoutEnd(last, '.v'), suffix), suffix };
  }
  const at = parent.endsWith('.v') ? last.lastIndexOf('___') : -1;
  return at < 0 ? undefined : { directory: parent, base: last.slice(0, at), suffix: last.slice(at + 3) };
}

function withoutEnd(text: string, end: string): string {
  return end !== '' && text.endsWith(end) ? text.slice(0, -end.length) : text;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
