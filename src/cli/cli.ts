/** The command table: words in, exit status out. Each command loads what it needs when it runs. */
import { Command, CommanderError } from 'commander';
import { exitStatus, reportOf } from '../errors.ts';
import type { Lock } from '../os/lock.ts';
import { programVersion } from '../program.ts';
import { type CommandText, groupTitles } from '../reference/command-text.ts';
import { type CommandName, commands } from '../reference/commands.ts';
import type { Reporter } from '../reporter.ts';
import { addOptions, type CommonOptions } from './options.ts';
import { type JsonMode, printFailure } from './print.ts';

/** How the signals of the process, and what it did before, reach a command. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Tells that this command takes the time it needs to end after the signal, and that its exit status counts. */
  endsByItself(): void;
  /** See RunOptions. */
  readonly lock?: () => Lock | undefined;
}

/** Runs the command line, and tells what goes wrong with it. @returns the exit status */
export async function runCli(argv: readonly string[], interruption: Interruption): Promise<number> {
  const json = jsonModeOf(argv);
  try {
    return await parseAndRun(argv, json, interruption);
  } catch (error) {
    // Here, and not in the program that has loaded this part: its classes of errors are others.
    if (argv.includes('--debug')) console.error(error);
    const report = reportOf(error);
    printFailure(report, json);
    return report.exit;
  }
}

async function parseAndRun(argv: readonly string[], json: JsonMode, interruption: Interruption): Promise<number> {
  let status: number = exitStatus.done;
  const program = buildProgram(argv, json !== 'off', {
    command: async (command, options, words) => {
      status = await runCommand(command, options, words, interruption);
    },
    special: async (name, words) => {
      status = await runSpecial(name, words, interruption);
    },
    help: async (topic, commandLine) => {
      const { showTopic } = await import('./help.ts');
      status = await showTopic(topic, commandLine);
    },
  });
  if (argv.includes('--help') || argv.includes('-h')) {
    const { addManualTexts } = await import('./help.ts');
    addManualTexts(program);
  }
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

/** Commands that other programs talk to: no table, no document. */
type SpecialName = 'sysupdate-notify' | 'varlink' | 'complete';

/** What becomes of the words, by what they ask for. */
interface Actions {
  readonly command: (command: CommandName, options: CommonOptions, words: readonly string[]) => Promise<void>;
  readonly special: (name: SpecialName, words: readonly string[]) => Promise<void>;
  readonly help: (topic: string | undefined, program: Command) => Promise<void>;
}

/**
 * The command line, as the reference has it.
 * @param argv what was asked: of commands that do not stand in it, only the names are needed
 */
export function buildProgram(argv: readonly string[], quiet: boolean, actions: Actions): Command {
  const program = new Command('extupdate')
    .description('Keeps system and configuration extensions at the newest version that fits the operating system.')
    .version(programVersion)
    .exitOverride()
    .configureOutput(quiet ? { writeErr: () => {} } : {})
    .showHelpAfterError('(see extupdate --help)')
    .helpCommand(false);
  const add = (name: string, words: string, description: string, options: { hidden?: boolean } = {}) =>
    program
      .command(`${name} ${words}`.trim(), options)
      .description(description)
      .exitOverride()
      .showHelpAfterError(`(see extupdate ${name} --help)`);
  for (const text of commands as readonly (CommandText & { readonly name: CommandName })[]) {
    const command = add(text.name, text.words, text.summary).helpGroup(`${groupTitles[text.group]}:`);
    if (argv.includes(text.name)) addOptions(command, text);
    command.action((...args: unknown[]) => actions.command(text.name, command.opts<CommonOptions>(), wordsIn(args)));
  }
  add('help', '[topic]', 'show the manual of a command, or of extupdate.conf or extupdate.transfer')
    .helpGroup('Help:')
    .action((topic: string | undefined) => actions.help(topic, program));
  add('sysupdate-notify', '', 'answer a completion call-out of systemd-sysupdate on standard input', {
    hidden: true,
  }).action(() => actions.special('sysupdate-notify', []));
  add('varlink', '<instance>', 'serve the Varlink connection on standard input', { hidden: true }).action(
    (instance: string) => actions.special('varlink', [instance]),
  );
  add('complete', '[words...]', 'what a shell can complete', { hidden: true })
    .allowUnknownOption()
    .helpOption(false)
    .action((words: string[]) => actions.special('complete', words));
  return program;
}

function wordsIn(args: readonly unknown[]): string[] {
  return args
    .slice(0, -2)
    .flat()
    .filter((word): word is string => typeof word === 'string');
}

/** Whether a document is wanted, although the words may be wrong: then that has to be told in one. */
function jsonModeOf(argv: readonly string[]): JsonMode {
  const at = argv.findLastIndex((word) => word === '--json' || word.startsWith('--json='));
  const value = argv[at]?.startsWith('--json=') ? argv[at].slice('--json='.length) : argv[at + 1];
  return at >= 0 && (value === 'short' || value === 'pretty') ? value : 'off';
}

async function runSpecial(name: SpecialName, words: readonly string[], { signal }: Interruption): Promise<number> {
  if (name === 'complete') {
    const { printCompletions } = await import('./complete.ts');
    return await printCompletions(words, signal);
  }
  if (name === 'varlink') {
    const { varlinkCommand } = await import('../varlink/varlink-command.ts');
    return await varlinkCommand(words[0] ?? '', { root: '', signal });
  }
  const { answerSysupdate } = await import('../varlink/sysupdate-notify.ts');
  return await answerSysupdate(process.stdin, (text) => process.stdout.write(text));
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
    if (command === 'publish') {
      const { publishCommand } = await import('./publish-command.ts');
      return await publishCommand(options, words, { reporter, signal });
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
