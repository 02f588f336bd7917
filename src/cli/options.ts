/** Options that all commands share, and what they mean. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SwitchChoice } from '../enablement.ts';
import { UsageError } from '../errors.ts';
import { parseBoolean, parseTimeSpan } from '../syntax.ts';
import type { Requests } from '../work.ts';

/** What commander gives to an action. */
export interface CommonOptions {
  readonly root?: string;
  readonly definitions?: string;
  readonly component?: string[];
  readonly json: 'short' | 'pretty' | 'off';
  readonly verify?: boolean;
  readonly offline?: boolean;
  readonly dryRun?: boolean;
  readonly keyring?: string[];
  readonly arch?: string;
  readonly refresh: boolean;
  readonly pager: boolean;
  readonly legend: boolean;
  readonly debug?: boolean;
  readonly wait?: number;
  readonly exitCode?: boolean;
  readonly transferSource?: string;
  readonly instancesMax?: number;
  readonly image?: string;
  readonly now?: boolean;
  readonly acceptRepublished?: boolean;
  readonly activate?: boolean;
  readonly os?: boolean;
  readonly osRoot?: string;
  readonly osRelease?: string;
  readonly uki?: string;
  readonly bootable?: boolean;
  readonly check?: boolean;
  readonly installed?: boolean;
  readonly feature?: string[];
  readonly featureAll?: boolean;
  readonly featureSuggested?: boolean;
  readonly componentAll?: boolean;
  readonly componentSuggested?: boolean;
}

/** Adds the common options to a command. */
export function addCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('--root <dir>', 'work on the tree of an operating system in this directory'))
    .addOption(new Option('--definitions <dir>', 'read definitions from this directory only'))
    .addOption(new Option('-C, --component <name>', 'look at this component only (may be repeated)').argParser(several))
    .addOption(
      new Option('--json <mode>', 'print one JSON document').choices(['short', 'pretty', 'off']).default('off'),
    )
    .addOption(new Option('--verify <bool>', 'override Verify= of the definitions').argParser(booleanArgument))
    .addOption(new Option('--offline', 'ask no server; use what is here'))
    .addOption(new Option('--dry-run', 'say what would be done, and do nothing'))
    .addOption(
      new Option('--keyring <file>', 'use these OpenPGP keys in place of the host’s (may be repeated)').argParser(
        several,
      ),
    )
    .addOption(new Option('--arch <arch>', 'match for this architecture (x86-64, arm64, ...)'))
    .addOption(new Option('--transfer-source <dir>', 'what PathRelativeTo=explicit is relative to'))
    .addOption(new Option('-m, --instances-max <n>', 'keep so many versions, at least 2').argParser(instancesArgument))
    .addOption(new Option('--image <file>').hideHelp())
    .addOption(new Option('--no-refresh', 'do not have systemd merge'))
    .addOption(new Option('--wait <sec>', 'wait so long for another run to end').argParser(secondsArgument))
    .addOption(new Option('--no-pager', 'do not pipe output into a pager'))
    .addOption(new Option('--no-legend', 'print no header'))
    .addOption(new Option('--debug', 'print stack traces'));
}

/** Adds the options of `enable` and `disable`, named as systemd-sysupdate names them. */
export function addSwitchOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--feature <name>', 'switch this feature of the component (may be repeated)').argParser(several),
    )
    .option('-a, --feature-all', 'switch all its features')
    .option('-s, --feature-suggested', 'switch the features that are suggested here')
    .option('-A, --component-all', 'switch all components, or features of all')
    .option('-S, --component-suggested', 'switch the components that are suggested here')
    .option('--now', 'apply at once');
}

function several(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** What `enable` and `disable` are about. @throws UsageError */
export function parseSwitchChoice(options: CommonOptions, words: readonly string[]): SwitchChoice {
  const { feature, featureAll, featureSuggested, componentAll, componentSuggested } = options;
  const names = [...new Set([...(options.component ?? []), ...words])];
  const components = onlyOne<SwitchChoice['components']>('components', [
    ['NAME', names.length > 0 ? names : undefined],
    ['--component-all', componentAll ? 'all' : undefined],
    ['--component-suggested', componentSuggested ? 'suggested' : undefined],
  ]);
  const features = onlyOne<NonNullable<SwitchChoice['features']>>('features', [
    ['--feature=', feature],
    ['--feature-all', featureAll ? 'all' : undefined],
    ['--feature-suggested', featureSuggested ? 'suggested' : undefined],
  ]);
  if (components === undefined) {
    throw new UsageError('which component?', {
      next: 'name one (extupdate components lists them), or --component-all',
    });
  }
  if (features !== undefined && components === 'suggested') {
    throw new UsageError('--component-suggested goes with no features', { next: 'name the components' });
  }
  return { components, features };
}

function onlyOne<T>(what: string, ways: readonly (readonly [string, T | undefined])[]): T | undefined {
  const given = ways.filter(([, value]) => value !== undefined);
  if (given.length > 1) throw new UsageError(`${what}: ${given.map(([way]) => way).join(' and ')}, not both`);
  return given[0]?.[1];
}

/** The directory of `--root=`, absolute; '' for this machine. */
export function rootOf(options: CommonOptions): string {
  if (options.image !== undefined) {
    throw new UsageError('--image=: disk images are not opened here', {
      next: `systemd-dissect --mount ${options.image} DIR, and then --root=DIR`,
    });
  }
  if (options.root === undefined) return '';
  if (options.root === '') throw new UsageError('--root=: expected a directory');
  const root = resolve(options.root);
  return root === '/' ? '' : root;
}

/** `NAME` and `NAME@VERSION` arguments. @throws UsageError */
export function parseTargets(words: readonly string[]): { names: string[]; requests: Requests } {
  const names: string[] = [];
  const requests = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('@');
    const name = at < 0 ? word : word.slice(0, at);
    const version = at < 0 ? undefined : word.slice(at + 1);
    if (name === '' || version === '') throw new UsageError(`"${word}": expected NAME or NAME@VERSION`);
    if (names.includes(name) && requests.get(name) !== version) {
      const asked = [requests.get(name), version].map((one) => one ?? 'the newest');
      throw new UsageError(`${name}: two versions were asked for: ${asked.join(' and ')}`);
    }
    if (!names.includes(name)) names.push(name);
    if (version !== undefined) requests.set(name, version);
  }
  return { names, requests };
}

function booleanArgument(value: string): boolean {
  const parsed = parseBoolean(value);
  if (parsed === undefined) throw new InvalidArgumentError('expected yes or no.');
  return parsed;
}

function instancesArgument(value: string): number {
  if (!/^[0-9]{1,9}$/.test(value) || Number(value) < 2)
    throw new InvalidArgumentError('expected a number, at least 2.');
  return Number(value);
}

function secondsArgument(value: string): number {
  const seconds = parseTimeSpan(value);
  if (seconds === undefined || !Number.isFinite(seconds)) throw new InvalidArgumentError('expected a time span.');
  return seconds;
}
