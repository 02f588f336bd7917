/**
 * Directory trees as systemd makes them (sysupdate.d(5)): btrfs subvolumes where the file system has them, and the mark
 * of `ReadOnly=`. Node has no such system calls, so btrfs(8) and chattr(1) do it.
 */
import { chmod, lstat, mkdir, rename, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '../errors.ts';
import { lastLine, runCommand } from './run-command.ts';
import { errorCode } from './storage-error.ts';

/** statfs(2): BTRFS_SUPER_MAGIC; and the inode number that the root of every subvolume has. */
const BTRFS_MAGIC = 0x9123683e;
const SUBVOLUME_INODE = 256n;

/**
 * Makes an empty directory that only its owner can look into.
 * @param subvolume whether it becomes a subvolume where the file system is btrfs
 * @throws StorageError, or a system call's error
 */
export async function makeTree(path: string, subvolume: boolean): Promise<void> {
  if (!subvolume || !(await isBtrfs(dirname(path)))) return mkdir(path, { mode: 0o700 });
  await run(['btrfs', 'subvolume', 'create', path], 'btrfs-progs', 'Type=directory in [Target] does without it');
  await chmod(path, 0o700);
}

/** Marks a tree read-only, or takes the mark off. @throws StorageError where that cannot be done */
export async function setReadOnly(path: string, readOnly: boolean): Promise<void> {
  if (await isSubvolume(path)) {
    await run(['btrfs', 'property', 'set', '-ts', path, 'ro', String(readOnly)], 'btrfs-progs', WITHOUT);
  } else {
    await run(['chattr', readOnly ? '+i' : '-i', path], 'e2fsprogs', WITHOUT);
  }
}

/** Whether a tree is marked read-only, as far as that can be told. */
async function isReadOnly(path: string): Promise<boolean> {
  if (await isSubvolume(path)) {
    return (await runCommand(['btrfs', 'property', 'get', '-ts', path, 'ro'])).stdout.trim() === 'ro=true';
  }
  return /^\S*i/.test((await runCommand(['lsattr', '-d', '--', path])).stdout);
}

/** Renames a file or tree. @param keepMark whether one that is marked read-only stays so */
export async function moveEntry(from: string, to: string, keepMark = true): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(await mayBeMarked(from, error)) || !(await isReadOnly(from))) throw error;
    await setReadOnly(from, false);
    await rename(from, to);
    if (keepMark) await setReadOnly(to, true);
  }
}

/** Whether an operation on a tree may have failed for its read-only mark. */
export async function mayBeMarked(path: string, error: unknown): Promise<boolean> {
  const refused = ['EPERM', 'EROFS', 'EACCES'].includes(errorCode(error) ?? '');
  return refused && (await lstat(path)).isDirectory();
}

/** Whether a directory is the root of a btrfs subvolume. */
export async function isSubvolume(path: string): Promise<boolean> {
  return (await lstat(path, { bigint: true })).ino === SUBVOLUME_INODE && (await isBtrfs(path));
}

async function isBtrfs(path: string): Promise<boolean> {
  return (await statfs(path)).type === BTRFS_MAGIC;
}

const WITHOUT = 'ReadOnly=no in [Target] does without it';

async function run(argv: readonly [string, ...string[]], package_: string, without: string): Promise<void> {
  const result = await runCommand(argv);
  if (result.status === 0) return;
  throw new StorageError(
    result.missing ? `the program ${argv[0]} is not installed` : `${argv.slice(0, 3).join(' ')}: ${lastLine(result)}`,
    { next: result.missing ? `install ${package_}; ${without}` : without },
  );
}
