/**
 * Which version a service really sees, whatever its settings and the disk say: systemd mounts an image when the service
 * starts, and perhaps when it is reloaded.
 *
 * What is mounted cannot be read off the mounts (extension-mounts.ts), so what the main process sees through
 * `/proc/PID/root` is compared with what the images hold that are here.
 */
import { readFileSync, statSync } from 'node:fs';
import { openDirectory } from '../image/directory.ts';
import { openLocalFile } from '../image/local-file.ts';
import { openImage } from '../image/open-image.ts';
import { resolveInRoot } from '../os/root.ts';
import { instancePath } from '../target/paths.ts';
import type { InstalledInstance, Transfer } from '../types.ts';
import { type ExtensionMount, extensionMounts } from './extension-mounts.ts';
import type { ServiceUse } from './find-uses.ts';
import { type CompareLimits, compareWithView } from './same-content.ts';

/** What was found out. */
export interface Sight {
  /** The versions that look like what is seen: one, or several of which nothing that was compared differs. */
  readonly matches: readonly InstalledInstance[];
  /**
   * Why there are none: this user may not look; nothing of the extension is there; it is none of those that are here,
   * or one that cannot be read.
   */
  readonly why?: 'hidden' | 'absent' | 'other';
  readonly mounts: readonly ExtensionMount[];
}

/** Tells nearly all versions apart. */
const QUICK: CompareLimits = { files: 4096, fileSize: 64 * 1024, total: 4 * 1024 * 1024 };
/** For those that the quick look does not. */
const THOROUGH: CompareLimits = { files: 65_536, fileSize: 32 * 1024 * 1024, total: 128 * 1024 * 1024 };

/** Looks at what a service sees of a transfer. */
export async function look({ unit, transfer, installed }: ServiceUse): Promise<Sight> {
  const view = `/proc/${unit.mainPid}/root`;
  if (!isReadable(`${view}/.`)) return { matches: [], why: 'hidden', mounts: [] };
  const mounts = mountsOf(unit.mainPid);
  const quick = await matching(view, transfer, installed, QUICK);
  if (quick.matches.length < 2) return { ...quick, mounts };
  return { ...(await matching(view, transfer, quick.matches, THOROUGH)), mounts };
}

async function matching(
  view: string,
  transfer: Transfer,
  instances: readonly InstalledInstance[],
  limits: CompareLimits,
): Promise<Omit<Sight, 'mounts'>> {
  const matches: InstalledInstance[] = [];
  let isSeen = false;
  for (const instance of instances) {
    const verdict = await compare(view, resolveInRoot('', instancePath(transfer, instance)), limits);
    if (verdict === 'same') matches.push(instance);
    if (verdict !== 'absent') isSeen = true;
  }
  return matches.length > 0 ? { matches } : { matches, why: isSeen ? 'other' : 'absent' };
}

async function compare(view: string, place: string, limits: CompareLimits) {
  try {
    if (statSync(place).isDirectory()) return await compareWithView(view, await openDirectory(place), limits);
    const file = await openLocalFile(place);
    try {
      return await compareWithView(view, await openImage(file), limits);
    } finally {
      await file.close();
    }
  } catch {
    // What cannot be read (a file system that nothing here reads, say) is not recognised.
    return 'different';
  }
}

function mountsOf(pid: number): ExtensionMount[] {
  try {
    return extensionMounts(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  } catch {
    return [];
  }
}

function isReadable(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
