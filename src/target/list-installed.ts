/** What is here of a transfer: files or trees in its target directory (and the parked ones) that match its patterns. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readLocalFacts } from '../image/read-local-facts.ts';
import { listNames } from '../os/list-names.ts';
import { linkTarget, resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { readXattrs, VERSION_XATTR } from '../os/xattr.ts';
import { PARKED } from '../resolve/exposure.ts';
import { isTreeTarget } from '../source/source-types.ts';
import type { InstalledInstance, Transfer } from '../types.ts';
import { isVersion } from '../version/compare.ts';
import { directoryDepth } from '../version/pattern.ts';
import { matchOwn } from './ownership.ts';
import { stateKey } from './paths.ts';

/**
 * Lists the instances of a transfer; symbolic links and names that do not match are somebody else's.
 * @param root '' or the directory of `--root=`, or an underlay
 * @param options.readImages whether what is in the images is wanted too
 */
export async function listInstalled(
  root: string,
  transfer: Transfer,
  state: Pick<State, 'installed'>,
  options: { readonly readImages: boolean } = { readImages: true },
): Promise<InstalledInstance[]> {
  const instances: InstalledInstance[] = [];
  const seen = new Set<string>();
  const place = resolveInRoot(root, transfer.target.path);
  for (const parked of [false, true]) {
    const directory = join(place, parked ? PARKED : '');
    // What a link there leads to is somebody else's.
    if (parked && linkTarget(directory) !== undefined) continue;
    // The visible one counts when a crash left both.
    const names = ownNames(directory, transfer).filter((name) => !seen.has(name));
    const told = await toldVersions(directory, transfer, names, state);
    for (const name of names) {
      seen.add(name);
      instances.push(await instanceAt(directory, transfer, { name, parked, told }, state, options.readImages));
    }
  }
  return instances;
}

/** Names in a target directory that belong to a transfer: of the right type, and matching its patterns. */
export function ownNames(directory: string, transfer: Transfer): string[] {
  const depth = Math.max(...transfer.target.patterns.map(directoryDepth));
  const names = listNames(directory, depth, isTreeTarget(transfer.target.type) ? 'directory' : 'file');
  return names.filter((name) => matchOwn(transfer, name) !== undefined);
}

async function instanceAt(
  directory: string,
  transfer: Transfer,
  { name, parked, told }: { name: string; parked: boolean; told: ReadonlyMap<string, string> },
  state: Pick<State, 'installed'>,
  readImages: boolean,
): Promise<InstalledInstance> {
  const place = join(directory, name);
  const path = stateKey(transfer, name);
  const known = state.installed[path];
  // The size of a tree is not known without walking through it.
  const isTree = isTreeTarget(transfer.target.type);
  const info = statSync(place, { throwIfNoEntry: false });
  const sizeBytes = isTree ? (known?.sizeBytes ?? 0) : (info?.size ?? 0);
  const remembered = known?.sizeBytes === sizeBytes ? known : undefined;
  const facts = readImages && transfer.kind !== 'none' ? await readLocalFacts(place) : undefined;
  const fields = matchOwn(transfer, name) ?? { version: '' };
  return {
    transferId: transfer.id,
    version: remembered?.version ?? told.get(place) ?? fields.version,
    name,
    path,
    parked,
    sizeBytes,
    ...(remembered ? { sha256: remembered.sha256 } : {}),
    ...(facts ? { facts } : {}),
    fields: info ? { mtime: BigInt(Math.round(info.mtimeMs * 1000)), mode: info.mode & 0o775, ...fields } : fields,
  };
}

function sizeOf(place: string): number | undefined {
  return statSync(place, { throwIfNoEntry: false })?.size;
}

/**
 * The state may be lost; in a `.v` directory the name may differ from the version, and the file itself tells.
 * @returns versions by place, of those of which nothing is remembered
 */
async function toldVersions(
  directory: string,
  transfer: Transfer,
  names: readonly string[],
  { installed }: Pick<State, 'installed'>,
): Promise<Map<string, string>> {
  if (!transfer.target.path.endsWith('.v')) return new Map();
  // What stands for `+` and `_` is a dot.
  const asked = names.filter((name) => {
    const known = installed[stateKey(transfer, name)];
    const isKnown = known && (isTreeTarget(transfer.target.type) || sizeOf(join(directory, name)) === known.sizeBytes);
    return !isKnown && matchOwn(transfer, name)?.version.includes('.');
  });
  const places = asked.map((name) => join(directory, name));
  const told = await readXattrs(places, VERSION_XATTR);
  return new Map([...told].filter(([, version]) => isVersion(version)));
}
