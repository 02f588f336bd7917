#!/usr/bin/env node
/** The program: builds nothing, decides nothing; runs the command line and sets the exit status. */
import { runCli } from './cli/cli.ts';
import { reportOf } from './errors.ts';

/** Signals that end a run cleanly, with the status a shell gives them. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const abort = new AbortController();
let signalled: number | undefined;
for (const [name, status] of Object.entries(SIGNALS)) {
  process.once(name, () => {
    signalled = status;
    abort.abort();
    // Whatever does not stop by itself is stopped; the disk is safe at any point.
    setTimeout(() => process.exit(status), 2000).unref();
  });
}

// A reader that has seen enough (`extupdate list | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  process.exitCode = await runCli(process.argv.slice(2), abort.signal);
} catch (error) {
  if (signalled === undefined) {
    if (process.argv.includes('--debug')) console.error(error);
    const report = reportOf(error);
    process.stderr.write(`extupdate: ${report.message}\n`);
    process.exitCode = report.exit;
  }
}
if (signalled !== undefined) process.exitCode = signalled;
