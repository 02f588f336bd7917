/**
 * Locks that die with their holder: flock(1) takes the lock on a file description that we share with it and keep open.
 * Node has no flock(2) of its own. No other program that we start gets the description.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from '../errors.ts';
import { makeDirectories } from './atomic-file.ts';
import { busyError, isKnownHeld } from './held-lock.ts';
import { storageError } from './storage-error.ts';

export interface Lock {
  readonly path: string;
  release(): Promise<void>;
}

export interface LockOptions {
  /** How long to wait for another run to end, in seconds; 0 = not at all. */
  readonly waitSec?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
  /**
   * `own`: directory and file are made those of this user alone, for whoever can open a lock file can keep everybody from
   * their work. `foreign`: another user may put there what he likes, and what is no lock file is removed. Else they are
   * as somebody has made them.
   */
  readonly place?: 'own' | 'foreign' | undefined;
}

/** flock(1)'s status when somebody else holds the lock. */
const HELD = 75;
/** The number that our file has in flock(1). */
const CHILD_FD = 3;

/**
 * Takes a lock, at once unless there is time to wait, or fails.
 * @param command what this run does, for the message that another run prints
 * @throws BusyError that names the holder; StorageError; what the signal was aborted with
 */
export function takeLock(path: string, command: string, options: LockOptions = {}): Promise<Lock> {
  const writeHolder = (file: number) => {
    const holder = `${JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() })}\n`;
    ftruncateSync(file);
    writeSync(file, holder, 0);
  };
  return take(path, options, () => openLockFile(path, options.place), writeHolder);
}

/**
 * Takes a lock on a directory that others own or look into, and makes no file there: whoever may read it may take turns.
 * It has no place for a holder, so that another run is only told that there is one.
 * @throws BusyError; StorageError; what the signal was aborted with
 */
export function takeDirectoryLock(directory: string, options: Omit<LockOptions, 'place'> = {}): Promise<Lock> {
  const open = async () => openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  return take(directory, options, open, () => {});
}

async function take(
  path: string,
  { waitSec = 0, signal }: LockOptions,
  open: () => Promise<number>,
  writeHolder: (file: number) => void,
): Promise<Lock> {
  if (waitSec === 0 && isKnownHeld(path)) throw busyError(path);
  let file: number | undefined;
  try {
    const opened = await open();
    file = opened;
    const patience = waitSec > 0 ? ['-w', String(waitSec)] : ['-n'];
    const child = spawn('flock', [...patience, '-E', String(HELD), String(CHILD_FD)], {
      stdio: ['ignore', 'ignore', 'ignore', opened],
      signal,
    });
    await ended(child, path, signal);
    writeHolder(opened);
    return { path, release: async () => closeSync(opened) };
  } catch (error) {
    if (file !== undefined) closeSync(file);
    throw storageError(path, error);
  }
}

/** Opens the file, and makes it where it is missing; what is no file of its own is not followed, nor waited for. */
async function openLockFile(path: string, place: LockOptions['place']): Promise<number> {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
  await makeDirectories(dirname(path), 0o755);
  if (place === 'own') using(openSync(dirname(path), O_DIRECTORY), (directory) => makeOwn(directory, 0o755));
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (place === 'foreign' && found && !isLockFile(found)) rmSync(path, { recursive: true, force: true });
  else if (found && !isLockFile(found)) throw notLockFile(path);
  const file = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    if (!isLockFile(fstatSync(file))) throw notLockFile(path);
    if (place === 'own') makeOwn(file, 0o600);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** A second name would be that of a file that is something else, and it would be overwritten. */
function isLockFile(info: Stats): boolean {
  return info.isFile() && info.nlink === 1;
}

function notLockFile(path: string): StorageError {
  return new StorageError(`${path}: not a regular file of its own`, { next: `remove it: rm -r ${path}` });
}

function makeOwn(file: number, mode: number): void {
  const { uid, mode: found } = fstatSync(file);
  const own = process.geteuid?.() ?? uid;
  if (uid !== own) fchownSync(file, own, process.getegid?.() ?? -1);
  if ((found & 0o7777) !== mode) fchmodSync(file, mode);
}

function using(file: number, operation: (file: number) => void): void {
  try {
    operation(file);
  } finally {
    closeSync(file);
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
      else if (status === HELD) reject(busyError(path));
      else reject(new StorageError(`${path}: cannot be locked (flock ended with ${status})`));
    });
  });
}
