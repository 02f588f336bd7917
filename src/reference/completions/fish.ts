/** The completion for fish(1). */
import type { Completes } from '../command-text.ts';
import { type CommandCompletion, completionTable, helpTopics, type OptionCompletion } from './completion-table.ts';

const ASK: Readonly<Record<Completes, string>> = {
  component: '(extupdate complete components 2>/dev/null)',
  target: '(__extupdate_targets)',
  version: '(__extupdate_versions)',
  feature: '(extupdate complete features 2>/dev/null)',
  directory: '(__fish_complete_directories)',
  file: '(__fish_complete_path)',
  none: '',
};

export function fishCompletion(): string {
  const commands = completionTable();
  return `# fish completion for extupdate

# The words after the command, without options.
function __extupdate_words
    string match --invert -- '-*' (commandline -opc)[2..]
end

# NAME, or NAME@VERSION once the "@" is there.
function __extupdate_targets
    set -l name (string split -m 1 @ -- (commandline -ct))
    if set -q name[2]
        for version in (extupdate complete versions $name[1] 2>/dev/null)
            echo $name[1]@$version
        end
    else
        extupdate complete components 2>/dev/null
    end
end

function __extupdate_versions
    extupdate complete versions (__extupdate_words)[2] 2>/dev/null
end

# Whether this is word number $argv[2] of the command $argv[1], or a later one where there is a third argument.
function __extupdate_at
    set -l words (__extupdate_words)
    test "$words[1]" = $argv[1]; or return
    test (count $words) -eq $argv[2]; or begin
        set -q argv[3]; and test (count $words) -gt $argv[2]
    end
end

complete -c extupdate -f
complete -c extupdate -n 'not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}' -s h -l help -d 'print help'
complete -c extupdate -n 'not __fish_seen_subcommand_from ${commands.map(({ name }) => name).join(' ')}' -s V -l version -d 'print the version'
${commands.flatMap((command) => commandLines(command, commands)).join('\n')}
`;
}

function commandLines(command: CommandCompletion, all: readonly CommandCompletion[]): string[] {
  const { name, summary, words, repeats, options } = command;
  const names = all.map((one) => one.name).join(' ');
  const here = `__fish_seen_subcommand_from ${name}`;
  const values = name === 'help' ? [quoted(helpTopics().join(' '))] : words.map((word) => quoted(ASK[word]));
  return [
    `complete -c extupdate -n 'not __fish_seen_subcommand_from ${names}' -a ${name} -d ${quoted(summary)}`,
    ...values.flatMap((value, index) => {
      if (value === "''") return [];
      const last = index === values.length - 1 && repeats;
      return [`complete -c extupdate -n '__extupdate_at ${name} ${index + 1}${last ? ' more' : ''}' -a ${value}`];
    }),
    ...options.map((option) => `complete -c extupdate -n '${here}' ${optionWords(option)}`),
  ];
}

function optionWords({ long, short, summary, value }: OptionCompletion): string {
  const values = typeof value === 'string' ? ASK[value] : (value ?? []).join(' ');
  return [
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${long}`,
    ...(value === undefined ? [] : ['-r']),
    ...(values === '' ? [] : [`-a ${quoted(values)}`]),
    `-d ${quoted(summary)}`,
  ].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
