/** Small file systems below a temporary directory, for tests that run as root; all are gone after {@link unmountAll}. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const mounted: string[] = [];

/** Whether this machine lets us mount. */
export function mayMount(): boolean {
  return process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

/** Why this machine cannot mount a btrfs file system; undefined when it can. */
export function withoutBtrfs(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (spawnSync('mkfs.btrfs', ['--version']).status !== 0) return 'needs btrfs-progs';
  spawnSync('modprobe', ['btrfs']);
  return execFileSync('cat', ['/proc/filesystems'], { encoding: 'utf8' }).includes('\tbtrfs\n')
    ? undefined
    : 'needs a kernel with btrfs';
}

/** Mounts a tmpfs. @param options of mount(8), such as `size=1M,nr_inodes=50` */
export function mountTmpfs(path: string, options: string): void {
  mkdirSync(path, { recursive: true });
  mount(['-t', 'tmpfs', '-o', `mode=755,${options}`, 'tmpfs', path]);
}

/** Mounts a ramfs: it has neither extended attributes nor a size. */
export function mountRamfs(path: string): void {
  mkdirSync(path, { recursive: true });
  mount(['-t', 'ramfs', '-o', 'mode=755', 'ramfs', path]);
}

/**
 * Makes a file system in a file beside the mount point, and mounts it.
 * @param make the program that makes it, and its options
 * @param size in MiB; the file is sparse
 */
export function mountImage(path: string, make: readonly [string, ...string[]], size: number): void {
  mkdirSync(path, { recursive: true });
  const image = join(dirname(path), `.disk-${mounted.length}.img`);
  writeFileSync(image, '');
  truncateSync(image, size * 1024 * 1024);
  execFileSync(make[0], [...make.slice(1), image]);
  mount(['-o', 'loop', image, path]);
  // The mount holds it.
  rmSync(image);
}

/** Mounts what is mounted once more with other options. */
export function remount(path: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, path]);
}

/** Unmounts everything that was mounted here, the last first. */
export function unmountAll(): void {
  for (const path of mounted.splice(0).reverse()) spawnSync('umount', ['--lazy', path]);
}

function mount(args: readonly string[]): void {
  execFileSync('mount', [...args]);
  mounted.push(args.at(-1) ?? '');
}
