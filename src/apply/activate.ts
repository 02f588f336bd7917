/** Has systemd merge what is exposed, and looks at what it merged. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { lastLine, runCommand } from '../os/run-command.ts';
import { mergedHierarchies } from '../os/underlay.ts';
import type { MergeKind } from './visible-file.ts';

/** What has to be merged afterwards. */
export interface ExpectedImage {
  readonly kind: MergeKind;
  /** Name under which systemd lists it. */
  readonly name: string;
  /** Name of the file that has to be behind it. */
  readonly fileName: string;
  /** Whether that is a directory, which systemd mounts without a loop device: then the name has to do. */
  readonly isTree: boolean;
}

const Status = z.array(
  z.object({
    hierarchy: z.string(),
    // 257 says "none" where 262 has an empty list.
    extensions: z.union([z.literal('none'), z.array(z.string())]),
  }),
);

/**
 * Merges anew, by the service, so that it also works out of a sandboxed unit. `reload-or-restart` keeps the old set
 * when systemd refuses the new one; a plain restart would not.
 * @returns why it failed; undefined when it did not
 */
export async function refresh(kind: MergeKind): Promise<string | undefined> {
  const service = `systemd-${kind}.service`;
  const reload = await runCommand(['systemctl', 'reload-or-restart', service]);
  if (reload.status === 0 && (await isActive(service))) return undefined;
  // The service leaves a set alone that it has not merged itself, and is not there where systemd does not run.
  const direct = await runCommand([`systemd-${kind}`, 'refresh']);
  if (direct.status === 0) return undefined;
  return lastLine(direct.missing ? reload : direct);
}

/**
 * Merges the same set anew. Needed where a hierarchy was merged while the host had nothing in it: what is written there
 * later is not seen through the overlay, and systemd looks for images through it.
 */
export async function mergeAnew(kind: MergeKind): Promise<void> {
  // 257 always merges anew and does not know the option.
  const forced = await runCommand([`systemd-${kind}`, 'refresh', '--always-refresh=yes']);
  if (forced.status !== 0) await runCommand([`systemd-${kind}`, 'refresh']);
}

/**
 * Whether systemd is about to merge by itself, in the boot that goes on: then it is not asked to, which would wait for
 * a service that waits for us.
 */
export async function isLeftToService(kind: MergeKind): Promise<boolean> {
  const { stdout } = await runCommand(['systemctl', 'show', '--property=Job', `systemd-${kind}.service`]);
  return /^Job=[1-9]/m.test(stdout);
}

/**
 * Has systemd merge as soon as extupdate-boot.service has ended, if that is where we are: its service is ordered after
 * ours, so to wait for it would be to wait for ourselves. Needed where that service is not enabled.
 * @returns whether that is where we are
 */
export async function mergesAfterBootUnit(kind: MergeKind): Promise<boolean> {
  const { stdout } = await runCommand(['systemctl', 'is-active', 'extupdate-boot.service']);
  if (stdout.trim() !== 'activating') return false;
  await runCommand(['systemctl', '--no-block', 'start', `systemd-${kind}.service`]);
  return true;
}

/** What systemd notes in each hierarchy that it has merged: the names of the extensions in it, one a line. */
const MERGED_NOTES = { sysext: '.systemd-sysext/extensions', confext: '.systemd-confext/confexts' } as const;

/** The names that are merged now; undefined when systemd cannot tell. */
export async function mergedNames(kind: MergeKind): Promise<Set<string> | undefined> {
  try {
    const merged = mergedHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));
    const points = merged.filter((hierarchy) => hierarchy.kind === kind).map(({ point }) => point);
    const lists = points.map((point) => readFileSync(join(point, MERGED_NOTES[kind]), 'utf8'));
    return new Set(lists.flatMap((text) => text.split('\n')).filter((name) => name !== ''));
  } catch {
    return askMergedNames(kind);
  }
}

/** The slower way, for a systemd that keeps its notes elsewhere. */
async function askMergedNames(kind: MergeKind): Promise<Set<string> | undefined> {
  const result = await runCommand([`systemd-${kind}`, 'status', '--json=short']);
  if (result.status !== 0) return undefined;
  try {
    const hierarchies = Status.parse(JSON.parse(result.stdout));
    return new Set(hierarchies.flatMap(({ extensions }) => (extensions === 'none' ? [] : extensions)));
  } catch {
    return undefined;
  }
}

/** Which of the expected images are not merged, or are merged from another file. */
export async function findMissing(expected: readonly ExpectedImage[]): Promise<ExpectedImage[]> {
  const missing: ExpectedImage[] = [];
  const loops = mergedFileNames();
  for (const kind of new Set(expected.map((image) => image.kind))) {
    const names = await mergedNames(kind);
    for (const image of expected.filter((candidate) => candidate.kind === kind)) {
      if (names?.has(image.name) && (image.isTree || loops.size === 0 || loops.has(image.fileName))) continue;
      missing.push(image);
    }
  }
  return missing;
}

async function isActive(service: string): Promise<boolean> {
  return (await runCommand(['systemctl', 'is-active', '--quiet', service])).status === 0;
}

/** File names behind the loop devices of this machine; systemd mounts every raw image through one. */
export function mergedFileNames(): Set<string> {
  const names = new Set<string>();
  try {
    for (const device of readdirSync('/sys/block').filter((name) => name.startsWith('loop'))) {
      try {
        const file = readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8').trim();
        names.add(file.slice(file.lastIndexOf('/') + 1).replace(/ \(deleted\)$/, ''));
      } catch {
        // The device has no file behind it.
      }
    }
  } catch {
    // No sysfs: the names alone have to do.
  }
  return names;
}
