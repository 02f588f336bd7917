/**
 * Locks that die with their holder: flock(1) holds the lock and waits on a pipe of ours, so that the kernel frees it
 * even when we are killed. Node has no flock(2) of its own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BusyError, StorageError } from '../errors.ts';
import { storageError } from './storage-error.ts';

export interface Lock {
  release(): Promise<void>;
}

/** flock(1)'s status when somebody else holds the lock. */
const HELD = 75;

/**
 * Takes the lock at once, or fails.
 * @param command what this run does, for the message that another run prints
 * @param waitSec how long to wait for another run to end, in seconds
 * @throws BusyError that names the holder; StorageError
 */
export async function takeLock(path: string, command: string, waitSec = 0): Promise<Lock> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    // Made here and not by flock(1), so that nobody else may open it.
    writeFileSync(path, '', { flag: 'a', mode: 0o600 });
  } catch (error) {
    throw storageError(path, error);
  }
  // What is written to cat comes back once flock has the lock and has started it.
  const patience = waitSec > 0 ? ['-w', String(waitSec)] : ['-n'];
  const child = spawn('flock', [...patience, '-E', String(HELD), path, 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // A Ctrl-C meant for us must not end the lock before our work has.
    detached: true,
  });
  child.stdin.on('error', () => {});
  child.stdin.write('locked\n');
  await held(child, path);
  writeFileSync(path, `${JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() })}\n`);
  return {
    release: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin?.end();
        child.stdout?.destroy();
      }),
  };
}

function held(child: ChildProcess, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new StorageError(`flock: ${error.message}`, { cause: error, next: 'install util-linux' }));
    });
    child.stdout?.once('data', () => resolve());
    child.once('close', (status) => {
      if (status === HELD)
        reject(new BusyError(`busy: ${holderOf(path)}`, { next: 'wait for it to end, or use --wait=SEC' }));
      else reject(new StorageError(`${path}: cannot be locked (flock ended with ${status})`));
    });
  });
}

function holderOf(path: string): string {
  try {
    const { pid, command, since } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return `"extupdate ${command}" with process id ${pid} has been at work since ${since}`;
  } catch {
    return `another run holds ${path}`;
  }
}
