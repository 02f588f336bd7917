/** `extupdate daemon`: what the command line and `extupdate.conf` say becomes the daemon's settings and its runs. */
import { startChildRun } from '../daemon/child-run.ts';
import { runDaemon } from '../daemon/daemon.ts';
import { readSchedule } from '../daemon/schedule.ts';
import { loadConfig } from '../definition/load-config.ts';
import { exitStatus, UsageError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { type CommonOptions, rootOf } from './options.ts';
import { serviceStatus } from './service-status.ts';

/**
 * Runs until the signal is given.
 * @returns the exit status: 0, for to be stopped is how a daemon ends
 * @throws UsageError, ConfigError
 */
export async function daemonCommand(
  options: CommonOptions,
  { reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<number> {
  const words = wordsOfRuns(options);
  const { schedule, randomizedDelaySec, maintenanceWindows } = loadConfig(rootOf(options));
  const nextRun = await readSchedule(schedule);
  const status = serviceStatus();
  status.ready();
  signal.addEventListener('abort', () => status.stopping());
  await runDaemon(
    { windows: maintenanceWindows, randomizedDelayMs: randomizedDelaySec * 1000 },
    {
      now: () => new Date(),
      random: Math.random,
      nextRun,
      setTimer: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
      startRun: (command) => startChildRun(command, words, status.say),
      log(text) {
        reporter.step('', `daemon: ${text}`);
        status.result(text);
      },
    },
    signal,
  );
  return exitStatus.done;
}

/** The options that the runs of a daemon get from it. @throws UsageError for those that make sense for one run only */
export function wordsOfRuns(options: CommonOptions): string[] {
  if (options.json !== 'off' || options.dryRun || options.offline) {
    throw new UsageError('daemon: --json, --dry-run and --offline are options of single runs');
  }
  const word = (name: string, value: string | undefined) => (value === undefined ? [] : [`--${name}=${value}`]);
  return [
    ...word('root', options.root),
    ...word('definitions', options.definitions),
    ...(options.component ?? []).flatMap((name) => word('component', name)),
    ...(options.keyring ?? []).flatMap((file) => word('keyring', file)),
    ...word('verify', options.verify === undefined ? undefined : options.verify ? 'yes' : 'no'),
    ...word('arch', options.arch),
    // A window may be open for one run only: what is at work just then is waited for, as by the timer's units.
    ...word('wait', options.wait?.toString() ?? '5min'),
    ...(options.refresh ? [] : ['--no-refresh']),
    ...(options.debug ? ['--debug'] : []),
  ];
}
