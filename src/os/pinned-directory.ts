/** Directories below one that belongs to another user, who may put a link in their place at any time. */
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dropFile, makeDirectories } from './atomic-file.ts';

/**
 * Runs an operation with a path that goes on leading to the same directory, whatever takes its place. The directory and
 * its parent are made where they are missing; what is there and is no directory is removed.
 * @throws a system call's error
 */
export async function inPinnedDirectory<T>(path: string, operation: (pinned: string) => Promise<T>): Promise<T> {
  const parent = dirname(path);
  const isOwn = (await lstat(dirname(parent)).catch(() => undefined))?.uid === process.geteuid?.();
  if (isOwn) {
    for (const place of [parent, path]) await makeDirectory(place);
    return operation(path);
  }
  return inDirectory(parent, (pinned) => inDirectory(`${pinned}${path.slice(parent.length)}`, operation));
}

async function inDirectory<T>(path: string, operation: (pinned: string) => Promise<T>): Promise<T> {
  await makeDirectory(path);
  const handle: FileHandle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    return await operation(`/proc/self/fd/${handle.fd}`);
  } finally {
    await handle.close();
  }
}

async function makeDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  // Never a directory: another list of the same run may have made it meanwhile, and be in it.
  if (found) await dropFile(path);
  await makeDirectories(path);
}
