/** What is here of a transfer: files in its target directory (and the parked ones) that match its target patterns. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openDirectory } from '../image/directory.ts';
import { openLocalFile } from '../image/local-file.ts';
import { openImage } from '../image/open-image.ts';
import { readImageFacts } from '../image/read-facts.ts';
import { resolveInRoot } from '../os/root.ts';
import type { State } from '../os/state.ts';
import { isMissing, storageError } from '../os/storage-error.ts';
import { readXattr, VERSION_XATTR } from '../os/xattr.ts';
import { PARKED } from '../resolve/exposure.ts';
import type { ImageFacts, InstalledInstance, Transfer } from '../types.ts';
import { isVersion } from '../version/compare.ts';
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
  state: State,
  options: { readonly readImages: boolean } = { readImages: true },
): Promise<InstalledInstance[]> {
  const instances: InstalledInstance[] = [];
  const seen = new Set<string>();
  for (const parked of [false, true]) {
    const directory = resolveInRoot(root, join(transfer.target.path, parked ? PARKED : ''));
    for (const entry of entriesOf(directory)) {
      // The visible one counts when a crash left both.
      if (!entry.isFile() || seen.has(entry.name)) continue;
      const fields = matchOwn(transfer, entry.name);
      if (!fields) continue;
      seen.add(entry.name);
      const place = join(directory, entry.name);
      const sizeBytes = statSync(place, { throwIfNoEntry: false })?.size ?? 0;
      const path = stateKey(transfer, entry.name);
      const known = state.installed[path];
      const remembered = known?.sizeBytes === sizeBytes ? known : undefined;
      const judged = options.readImages && transfer.kind !== 'none';
      const facts = judged ? await readLocalFacts(place) : undefined;
      instances.push({
        transferId: transfer.id,
        version: remembered?.version ?? (await trueVersion(transfer, place, fields.version)),
        name: entry.name,
        path,
        parked,
        sizeBytes,
        ...(remembered ? { sha256: remembered.sha256 } : {}),
        ...(facts ? { facts } : {}),
      });
    }
  }
  return instances;
}

/** The state may be lost; in a `.v` directory the name may differ from the version, and the file itself tells. */
async function trueVersion(transfer: Transfer, place: string, named: string): Promise<string> {
  // What stands for `+` and `_` is a dot.
  const mayDiffer = transfer.target.path.endsWith('.v') && named.includes('.');
  const version = mayDiffer ? await readXattr(place, VERSION_XATTR) : undefined;
  return version !== undefined && isVersion(version) ? version : named;
}

/** Reads an image on this machine; undefined when it cannot be opened by this user. */
export async function readLocalFacts(place: string): Promise<ImageFacts | undefined> {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) {
    return readImageFacts(() => openDirectory(place), 'image');
  }
  let file: Awaited<ReturnType<typeof openLocalFile>>;
  try {
    file = await openLocalFile(place);
  } catch (error) {
    if ((error as { code?: string }).code === 'storage') return undefined;
    throw error;
  }
  try {
    return await readImageFacts(() => openImage(file), 'image');
  } finally {
    await file.close();
  }
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw storageError(directory, error);
  }
}
