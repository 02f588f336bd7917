/** Options that all commands share, and what they mean. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { SwitchChoice } from '../enablement.ts';
import { UsageError } from '../errors.ts';
import { type CommandText, longName, type OptionText } from '../reference/command-text.ts';
import { commonOptions } from '../reference/common-options.ts';
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
  readonly key?: string;
  readonly gpgKey?: string;
  readonly gpg?: boolean;
  readonly sign?: boolean;
  readonly passphraseFile?: string;
  readonly bestBefore?: string;
  readonly renew?: boolean;
  readonly sidecars?: boolean;
  readonly allowUnsuitable?: string[];
  readonly signedBy?: string[];
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly purge?: boolean;
  readonly keepFiles?: boolean;
  readonly url?: string;
}

type ReadValue = (value: string, before: unknown) => unknown;

/** How the value of an option is read, by its long name; the others are taken as they are. */
const readers: Readonly<Record<string, ReadValue>> = {
  component: several,
  feature: several,
  keyring: several,
  'allow-unsuitable': several,
  'signed-by': several,
  verify: booleanArgument,
  'instances-max': instancesArgument,
  wait: secondsArgument,
};

/** Adds the options of a command to it: its own, and those that it shares with the others. */
export function addOptions(command: Command, { options = [], common }: CommandText): void {
  const shared = commonOptions.filter((text) => common?.includes(longName(text)) !== false);
  for (const text of [...options, ...shared]) command.addOption(optionOf(text));
  // systemd-sysupdate has it; it is refused with what to do instead.
  if (common?.includes('root') !== false) command.addOption(new Option('--image <file>').hideHelp());
}

function optionOf(text: OptionText): Option {
  const option = new Option(text.flags, text.summary);
  if (text.choices) option.choices([...text.choices]);
  if (text.standard !== undefined) option.default(text.standard);
  const read = readers[longName(text)];
  return read ? option.argParser(read) : option;
}

function several(value: string, before: unknown): string[] {
  return [...(Array.isArray(before) ? before : []), value];
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
