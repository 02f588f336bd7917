/**
 * Writing below a merged hierarchy. A merged confext makes `/etc` read-only, a sysext with `/opt` content `/opt`. Their
 * overlays are unmounted in a private mount namespace, which a helper process holds open; through `/proc/PID/root` the
 * files below the overlays are then reached with ordinary file operations.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { StorageError } from '../errors.ts';
import { parseMountinfo } from './mountinfo.ts';
import { runCommand } from './run-command.ts';

interface Underlay {
  readonly root: string;
  release(): Promise<void>;
}

export interface MergedHierarchy {
  readonly point: string;
  /** What was merged there. */
  readonly kind: 'sysext' | 'confext';
  /** Mount options that a remount has to repeat. */
  readonly options: string;
}

/** The overlays that systemd-sysext and systemd-confext made, of the text of /proc/self/mountinfo, in mount order. */
export function mergedHierarchies(mountinfo: string): MergedHierarchy[] {
  return parseMountinfo(mountinfo).flatMap(({ point, type, source, options }) => {
    if (type !== 'overlay' || (source !== 'sysext' && source !== 'confext')) return [];
    const kept = options.filter((option) => ['ro', 'rw', 'nosuid', 'nodev', 'noexec'].includes(option));
    return [{ point, kind: source, options: kept.join(',') }];
  });
}

/** The overlays that hide some of the paths, in mount order. */
export function hierarchiesOver(paths: readonly string[]): MergedHierarchy[] {
  if (!existsSync('/proc/self/mountinfo')) return [];
  const merged = mergedHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'));
  return merged.filter(({ point }) => paths.some((path) => path === point || path.startsWith(`${point}/`)));
}

/** What to unmount, in this order, to get at the paths below merged hierarchies. */
export function pointsToUnmount(paths: readonly string[]): string[] {
  return hierarchiesOver(paths)
    .map(({ point }) => point)
    .toReversed();
}

/**
 * Runs an operation that writes to `paths`, with a root prefix (like that of `--root=`) through which the files below
 * merged hierarchies are reached; it is '' where nothing is merged over them. Afterwards the overlays show what was
 * written: the kernel keeps names that were looked up through them, until they are remounted.
 * @throws StorageError when the namespace cannot be made
 */
export async function withUnderlay<T>(paths: readonly string[], operation: (root: string) => Promise<T>): Promise<T> {
  const affected = hierarchiesOver(paths);
  if (affected.length === 0) return operation('');
  const underlay = await openUnderlay(affected.map(({ point }) => point));
  try {
    return await operation(underlay.root);
  } finally {
    await underlay.release();
    for (const { point, options } of affected) {
      await runCommand(['mount', '--options-source=disable', '-o', `remount,${options}`, point]);
    }
  }
}

async function openUnderlay(affected: readonly string[]): Promise<Underlay> {
  const script = 'for point; do umount -l "$point" || exit 1; done; echo ready; exec cat';
  // The order of mounting is the order in mountinfo; unmount the last one first.
  const argv = ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', ...affected.toReversed()];
  const child = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new StorageError(`cannot write below ${affected.join(', ')}, where extensions are merged: ${why}`));
    child.once('error', (error) => fail(error.message));
    child.once('close', () => fail(errors.trim()));
    child.stdout.once('data', () => resolve());
  });
  return {
    root: `/proc/${child.pid}/root`,
    release: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}
