/** What shells complete, out of the commands: the three scripts are made of it. */
import {
  type CommandText,
  type Completes,
  completionOf,
  longName,
  type OptionText,
  shortName,
  valueName,
  wordsOf,
} from '../command-text.ts';
import { commands } from '../commands.ts';
import { commonOptions } from '../common-options.ts';
import { manualPages } from '../manual/pages.ts';

export interface OptionCompletion {
  readonly long: string;
  readonly short?: string;
  readonly summary: string;
  /** What its value is; undefined for a switch. */
  readonly value?: Completes | readonly string[];
  readonly repeats: boolean;
}

export interface CommandCompletion {
  readonly name: string;
  readonly summary: string;
  /** What its words are, one after the other; the last one again and again where it repeats. */
  readonly words: readonly Completes[];
  readonly repeats: boolean;
  readonly options: readonly OptionCompletion[];
}

/** Every command that a person types. */
export function completionTable(): CommandCompletion[] {
  const help = { name: 'help', summary: 'show the manual of a command', words: [], repeats: false, options: [] };
  return [...(commands as readonly CommandText[]).map(commandCompletion), help];
}

/** What `help` knows. */
export function helpTopics(): string[] {
  return [...commands.map(({ name }) => name), ...manualPages.map(({ name }) => name)];
}

function commandCompletion(command: CommandText): CommandCompletion {
  const { options = [], common } = command;
  const shared = commonOptions.filter((option) => common?.includes(longName(option)) !== false);
  const words = wordsOf(command);
  return {
    name: command.name,
    summary: command.summary,
    words: words.map(({ name }) => completionOf(name)),
    repeats: words.at(-1)?.repeats === true,
    options: [
      ...[...options, ...shared].map(optionCompletion),
      { long: 'help', short: 'h', summary: 'print help', repeats: false },
    ],
  };
}

function optionCompletion(option: OptionText): OptionCompletion {
  const short = shortName(option);
  const value = valueName(option);
  return {
    long: longName(option),
    summary: option.summary,
    repeats: option.repeats === true,
    ...(short === undefined ? {} : { short }),
    ...(value === undefined ? {} : { value: option.choices ?? option.completes ?? 'none' }),
  };
}
