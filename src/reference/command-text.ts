/** What a command and its options look like: the shape of the one table that help, manuals and completions come from. */

/** What a shell offers in the place of a word or of an option's value. */
export type Completes = 'component' | 'target' | 'version' | 'feature' | 'directory' | 'file' | 'none';

export interface OptionText {
  /** As commander takes it: `-C, --component <name>`. */
  readonly flags: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly choices?: readonly string[];
  /** What counts where nothing is said. */
  readonly standard?: string;
  /** What its value is; by default nothing that a shell could know. */
  readonly completes?: Completes;
  /** May be given more than once. */
  readonly repeats?: true;
}

export interface CommandText {
  readonly name: string;
  /** Its words as commander takes them: `<name>` is needed, `[name]` is not, `...` may be repeated. */
  readonly words: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly group: CommandGroup;
  /** Options of its own. */
  readonly options?: readonly OptionText[];
  /** The common options that mean something to it, by their long names; all where it says nothing. */
  readonly common?: readonly string[];
}

/** In the order in which they are shown. */
export const commandGroups = ['look', 'change', 'os', 'setup', 'publish', 'run'] as const;
export type CommandGroup = (typeof commandGroups)[number];

export const groupTitles: Readonly<Record<CommandGroup, string>> = {
  look: 'Looking, without privileges',
  change: 'Changing versions',
  os: 'Going with the operating system',
  setup: 'Saying what is wanted',
  publish: 'Publishing',
  run: 'Without timers',
};

/** The long name of an option: `component` of `-C, --component <name>`, `no-pager` of `--no-pager`. */
export function longName({ flags }: OptionText): string {
  return /--([a-z-]+)/.exec(flags)?.[1] ?? flags;
}

/** The short name of an option without the hyphen, if it has one. */
export function shortName({ flags }: OptionText): string | undefined {
  return /^-([A-Za-z])\b/.exec(flags)?.[1];
}

/** The name of an option's value, as `name` of `--component <name>`; undefined for a switch. */
export function valueName({ flags }: OptionText): string | undefined {
  return /<([^>]+)>/.exec(flags)?.[1];
}

/** The words of a command, one by one. */
export function wordsOf({ words }: Pick<CommandText, 'words'>): { name: string; needed: boolean; repeats: boolean }[] {
  return [...words.matchAll(/([<[])([^>\]]+?)(\.\.\.)?[>\]]/g)].map(([, bracket, name = '', dots]) => ({
    name,
    needed: bracket === '<',
    repeats: dots !== undefined,
  }));
}

/** What a shell offers for a word of a command. */
export function completionOf(word: string): Completes {
  if (word === 'name' || word === 'names') return 'component';
  if (word === 'name@version') return 'target';
  if (word === 'version') return 'version';
  if (word === 'dir') return 'directory';
  return word === 'file' ? 'file' : 'none';
}
