#!/usr/bin/env node
/**
 * The program: builds nothing, decides nothing; runs the command line and sets the exit status. What it runs is a part of
 * its own, which a run that is one too many does not load.
 */
import { setMaxListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { commandFirst } from './cli/command-first.ts';
import { tellError } from './cli/journal.ts';
import { exitStatus, reportOf, signalStatus } from './errors.ts';
import { programVersion } from './program.ts';
import { takeRootLockEarly } from './root-lock.ts';

// undici's HTTP parser is WebAssembly. Optimising it takes V8 a tenth of a second, for which the process waits at its end,
// and 20 MiB; a run is too short to earn that back. Compiled code goes with the flags, so that they are set first.
setFlagsFromString('--liftoff-only');

// Directories get 0755, whoever calls; modes of files are set one by one.
process.umask(0o022);

const abort = new AbortController();
// Every request of a run listens to it.
setMaxListeners(0, abort.signal);
let signalled: number | undefined;
let endsByItself = false;
for (const [name, exit] of Object.entries(signalStatus)) {
  process.once(name, () => {
    signalled = exit;
    abort.abort(Object.assign(new DOMException(`${name} was received`, 'AbortError'), { exit }));
    // Whatever does not stop by itself is stopped; the disk is safe at any point.
    setTimeout(() => {
      if (!endsByItself) process.exit(exit);
    }, 2000).unref();
  });
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`extupdate list | head`) is no error.
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`extupdate: standard output cannot be written: ${error.message}\n`);
  process.exit(exitStatus.storage);
});

// Messages that nobody can read are no reason to leave work half done.
process.stderr.on('error', () => {});

/** Runs the command line, and leaves its status. */
async function main(): Promise<void> {
  const argv = commandFirst(process.argv.slice(2));
  // Asked by other programs, to see whether this one runs at all.
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${programVersion}\n`);
    return;
  }
  try {
    let taken = await takeRootLockEarly(argv, abort.signal);
    const { runCli } = await import('./cli/cli.ts');
    process.exitCode = await runCli(argv, {
      signal: abort.signal,
      lock: () => {
        const lock = taken;
        taken = undefined;
        return lock;
      },
      endsByItself: () => {
        endsByItself = true;
      },
    });
  } catch (error) {
    if (process.argv.includes('--debug')) console.error(error);
    const report = reportOf(error);
    tellError(report);
    process.exitCode = report.exit;
  }
  if (signalled !== undefined && !endsByItself) process.exitCode = signalled;
}

void main();
