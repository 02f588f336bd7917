/**
 * Locks that die with their holder: flock(1) takes the lock on a file description that we share with it and keep open.
 * Node has no flock(2) of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { BusyError, StorageError } from '../errors.ts';
import { makeDirectories } from './atomic-file.ts';
import { readBoundedFile } from './bounded-file.ts';
import { storageError } from './storage-error.ts';

export interface Lock {
  release(): Promise<void>;
}

/** flock(1)'s status when somebody else holds the lock. */
const HELD = 75;
/** The number that our file has in flock(1). */
const CHILD_FD = 3;

/**
 * Takes the lock at once, or fails.
 * @param command what this run does, for the message that another run prints
 * @param options.waitSec how long to wait for another run to end, in seconds
 * @param options.signal ends the waiting
 * @throws BusyError that names the holder; StorageError; what the signal was aborted with
 */
export async function takeLock(
  path: string,
  command: string,
  { waitSec = 0, signal }: { readonly waitSec?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<Lock> {
  const file = await openLockFile(path);
  try {
    const patience = waitSec > 0 ? ['-w', String(waitSec)] : ['-n'];
    const child = spawn('flock', [...patience, '-E', String(HELD), String(CHILD_FD)], {
      stdio: ['ignore', 'ignore', 'ignore', file],
      signal,
    });
    await ended(child, path, signal);
    const holder = `${JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() })}\n`;
    ftruncateSync(file);
    writeSync(file, holder, 0);
  } catch (error) {
    closeSync(file);
    throw storageError(path, error);
  }
  return { release: async () => closeSync(file) };
}

/** The directory may belong to somebody else: what is no file of its own there is not followed, and not waited for. */
async function openLockFile(path: string): Promise<number> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    await makeDirectories(dirname(path), 0o755);
    const file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    throw new StorageError(`${path}: not a regular file`, { next: 'move it away' });
  } catch (error) {
    throw storageError(path, error);
  }
}

function ended(child: ChildProcess, path: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      if (signal?.aborted) reject(signal.reason);
      else reject(new StorageError(`flock: ${error.message}`, { cause: error, next: 'install util-linux' }));
    });
    child.once('close', (status) => {
      if (status === 0) resolve();
      else if (status === HELD)
        reject(new BusyError(`busy: ${holderOf(path)}`, { next: 'wait for it to end, or use --wait=SEC' }));
      else reject(new StorageError(`${path}: cannot be locked (flock ended with ${status})`));
    });
  });
}

function holderOf(path: string): string {
  try {
    const { pid, command, since } = JSON.parse(String(readBoundedFile('', path))) as Record<string, unknown>;
    return `"extupdate ${command}" with process id ${pid} has been at work since ${since}`;
  } catch {
    return `another run holds ${path}`;
  }
}
