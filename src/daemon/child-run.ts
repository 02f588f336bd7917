/** A run of this program as a process of its own, so that neither a crash nor a leak of it ends the daemon. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { passedSocket, withPassed } from '../os/passed-sockets.ts';
import type { CycleCommand } from './cycle.ts';

/** See sd_notify(3). */
const STATUS = 'STATUS=';

export interface Run {
  /** The exit status, once it has ended; -1 when it was ended by a signal or could not be started. Never rejects. */
  readonly ended: Promise<number>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/**
 * Starts `extupdate acquire` or `extupdate install`; it prints where the daemon prints.
 * @param onStatus told what the run is at, which systemd takes from the daemon only
 */
export function startChildRun(
  command: CycleCommand,
  words: readonly string[],
  onStatus: (text: string) => void = () => {},
): Run {
  const [, main = ''] = process.argv;
  const journal = passedSocket('journal');
  const { argv, env } = withPassed(
    ['notify', ...(journal === undefined ? [] : ['journal' as const])],
    [process.execPath, main, command, ...words],
  );
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', ...(journal === undefined ? [] : [journal])],
    env: { ...process.env, ...env },
  });
  const states = child.stdio[3] as Readable;
  states.on('error', () => {});
  createInterface({ input: states }).on('line', (line) => {
    if (line.startsWith(STATUS)) onStatus(line.slice(STATUS.length));
  });
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => {
      // A signal that cannot be sent is an error too, and the process goes on.
      if (child.pid === undefined) resolve(-1);
    });
    child.on('exit', (status) => resolve(status ?? -1));
  });
  return { ended, kill: (signal) => void child.kill(signal) };
}
