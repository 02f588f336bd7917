/** A run of this program as a process of its own, so that neither a crash nor a leak of it ends the daemon. */
import { spawn } from 'node:child_process';
import type { CycleCommand } from './cycle.ts';

export interface Run {
  /** The exit status, once it has ended; -1 when it was ended by a signal or could not be started. Never rejects. */
  readonly ended: Promise<number>;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

/** Starts `extupdate acquire` or `extupdate install`; it prints where the daemon prints. */
export function startChildRun(command: CycleCommand, words: readonly string[]): Run {
  const [, program = ''] = process.argv;
  const child = spawn(process.execPath, [program, command, ...words], { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = new Promise<number>((resolve) => {
    child.on('error', () => {
      // A signal that cannot be sent is an error too, and the process goes on.
      if (child.pid === undefined) resolve(-1);
    });
    child.on('exit', (status) => resolve(status ?? -1));
  });
  return { ended, kill: (signal) => void child.kill(signal) };
}
