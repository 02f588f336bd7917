/** The command table: words in, exit status out. Each command loads what it needs when it runs. */
import { Command, CommanderError } from 'commander';
import { exitStatus, reportOf } from '../errors.ts';
import type { Lock } from '../os/lock.ts';
import { programVersion } from '../program.ts';
import type { Reporter } from '../reporter.ts';
import { addCommonOptions, addSwitchOptions, type CommonOptions } from './options.ts';
import { type JsonMode, printFailure } from './print.ts';

/** How the signals of the process, and what it did before, reach a command. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Tells that this command takes the time it needs to end after the signal, and that its exit status counts. */
  endsByItself(): void;
  /** See RunOptions. */
  readonly lock?: () => Lock | undefined;
}

/** Runs the command line. @returns the exit status */
export async function runCli(argv: readonly string[], interruption: Interruption): Promise<number> {
  let status: number = exitStatus.done;
  const json = jsonModeOf(argv);
  const program = buildProgram(
    argv,
    json !== 'off',
    async (command, options, words) => {
      status = await runCommand(command, options, words, interruption);
    },
    async () => {
      const { answerSysupdate } = await import('./sysupdate-notify.ts');
      status = await answerSysupdate(process.stdin, (text) => process.stdout.write(text));
    },
  );
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has printed the help that was asked for, or the message for people.
    if (error.exitCode === 0) return exitStatus.done;
    const message = error.message.replace(/^error: /, '');
    if (json !== 'off')
      printFailure({ code: 'usage', exit: exitStatus.usage, message, next: 'see extupdate --help' }, json);
    return exitStatus.usage;
  }
  return status;
}

const commandNames = [
  ...(['list', 'check', 'apply', 'acquire', 'install', 'status', 'why', 'history'] as const),
  ...(['rollback', 'hold', 'unhold', 'reset-floor', 'prepare', 'select', 'bless', 'gc', 'daemon'] as const),
  ...(['features', 'components', 'enable', 'disable', 'check-new', 'verify'] as const),
];
/** The commands that print a table or a document. */
export type CommandName = (typeof commandNames)[number];
type Action = (command: CommandName, options: CommonOptions, words: readonly string[]) => Promise<void>;

const acceptRepublished = [
  '--accept-republished',
  'take what was published again under its old name with other content',
] as const;

/** Commands that other programs talk to: no table, no document. */
type SpecialName = 'sysupdate-notify';

function buildProgram(
  argv: readonly string[],
  quiet: boolean,
  action: Action,
  special: (name: SpecialName) => Promise<void>,
): Command {
  const program = new Command('extupdate')
    .description('Keeps system and configuration extensions at the newest version that fits the operating system.')
    .version(programVersion)
    .exitOverride()
    .configureOutput(quiet ? { writeErr: () => {} } : {})
    .showHelpAfterError('(see extupdate --help)');
  const add = (name: CommandName, words: string, description: string) => {
    const command = program.command(`${name} ${words}`.trim()).description(description).exitOverride();
    // Of the commands that are not asked for, only the names are needed.
    if (argv.includes(name)) addCommonOptions(command);
    command.action((...args: unknown[]) => {
      const given = args
        .slice(0, -2)
        .flat()
        .filter((word): word is string => typeof word === 'string');
      return action(name, command.opts<CommonOptions>(), given);
    });
    return command;
  };
  add('list', '[name] [version]', 'list versions: offered, installed, active, and why one is not chosen');
  add('check', '[names...]', 'say what apply would change to')
    .option('--exit-code', 'exit with 100 when there is an update')
    .option(...acceptRepublished);
  add('apply', '[name@version...]', 'acquire, install and activate the newest versions that fit, or those named')
    .option('--now', 'activate at once, whatever Activate= says')
    .option(...acceptRepublished);
  add('acquire', '[name@version...]', 'download only').option(...acceptRepublished);
  add('install', '[name@version...]', 'install and activate what is downloaded, without a network')
    .option(...acceptRepublished)
    .option('--now', 'activate at once, whatever Activate= says')
    .option('--no-activate', 'only install; nothing becomes visible');
  add('status', '[names...]', 'show what is installed and active, without a network').option(
    '--os',
    'show what every OS that can be booted would get',
  );
  add('why', '<name>', 'say for every version why it is chosen or not');
  add('history', '[names...]', 'show what was done');
  add(
    'rollback',
    '[names...]',
    'go back to the version before, or to the set before the last change; without a network',
  );
  add('hold', '<name@version...>', 'stay at the version that is active, or at the one named');
  add('unhold', '<names...>', 'follow the newest version again, and try again what failed');
  add('reset-floor', '<names...>', 'forget what was seen of their sources: an older list is accepted again');
  add('prepare', '[names...]', 'acquire and install now what another OS needs at its first boot')
    .option('--os-root <dir>', 'the OS whose tree, or whose /usr, is in this directory')
    .option('--os-release <file>', 'the OS with this os-release file')
    .option('--uki <file>', 'the OS of this unified kernel image')
    .option('--bootable', 'every OS that can be booted')
    .option('--check', 'only say what it would get; 17 when something required has no version that fits');
  add('select', '[names...]', 'at boot: make visible what goes with the OS that was booted; without a network');
  add('bless', '', 'after boot-complete.target: this boot is good, and what became active with it if it is healthy');
  program
    .command('sysupdate-notify', { hidden: true })
    .description('answer a completion call-out of systemd-sysupdate on standard input')
    .exitOverride()
    .action(() => special('sysupdate-notify'));
  add('gc', '[names...]', 'remove versions that nothing needs, and say why the others stay');
  add('verify', '[names...]', 'say which keys and signatures count, and why the others do not').option(
    '--installed',
    'read what is installed, and say what is damaged',
  );
  add('check-new', '[name]', 'say which version there is to update to, as systemd-sysupdate does');
  add('features', '[names...]', 'list optional features; with -C COMPONENT, the word names a feature of it');
  add('components', '', 'list components, and whether they are enabled');
  const switches = [
    add('enable', '[names...]', 'enable components, or features of theirs; the next run acts on it'),
    add('disable', '[names...]', 'disable components, or features of theirs; the next run acts on it'),
  ];
  if (argv.includes('enable') || argv.includes('disable')) switches.forEach(addSwitchOptions);
  add('daemon', '', 'acquire and install on the schedule of extupdate.conf, until it is told to stop');
  return program;
}

/** Whether a document is wanted, although the words may be wrong: then that has to be told in one. */
function jsonModeOf(argv: readonly string[]): JsonMode {
  const at = argv.findLastIndex((word) => word === '--json' || word.startsWith('--json='));
  const value = argv[at]?.startsWith('--json=') ? argv[at].slice('--json='.length) : argv[at + 1];
  return at >= 0 && (value === 'short' || value === 'pretty') ? value : 'off';
}

async function runCommand(
  command: CommandName,
  options: CommonOptions,
  words: readonly string[],
  { signal, endsByItself, lock }: Interruption,
): Promise<number> {
  const { json } = options;
  let reporter: Reporter | undefined;
  try {
    const { createReporter } = await import('./progress.ts');
    reporter = await createReporter({ quiet: json !== 'off', terminal: process.stderr.isTTY === true });
    if (command === 'daemon') {
      endsByItself();
      const { daemonCommand } = await import('./daemon-command.ts');
      return await daemonCommand(options, { reporter, signal });
    }
    const { dispatch } = await import('./dispatch.ts');
    return await dispatch(command, options, words, { reporter, signal, ...(lock ? { lock } : {}) });
  } catch (error) {
    if (signal.aborted) {
      const report = {
        code: 'interrupted',
        exit: Number(signal.reason?.exit ?? 1),
        message: 'interrupted by a signal',
      };
      if (json !== 'off') printFailure(report, json);
      return report.exit;
    }
    if (options.debug) console.error(error);
    const report = reportOf(error);
    printFailure(report, json);
    return report.exit;
  } finally {
    reporter?.close();
  }
}
