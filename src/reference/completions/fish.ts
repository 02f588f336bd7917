/** The completion for fish(1). */
import type { Completes } from '../command-text.ts';
import { type CommandCompletion, completionTable, helpTopics, type OptionCompletion } from './completion-table.ts';

const ASK: Readonly<Record<Completes, string>> = {
  component: '(__extupdate_ask components)',
  target: '(__extupdate_targets)',
  version: '(__extupdate_versions)',
  feature: '(__extupdate_ask features)',
  directory: '(__fish_complete_directories)',
  file: '(__fish_complete_path)',
  none: '',
};

export function fishCompletion(): string {
  const commands = completionTable();
  return `# fish completion for extupdate

function __extupdate_ask
    extupdate complete $argv (string match -r -- '^--(?:root|definitions)=.*' (commandline -opc)) 2>/dev/null
end

# The words after the command, without options.
function __extupdate_words
    string match --invert -- '-*' (commandline -opc)[2..]
end

# NAME, or NAME@VERSION once the "@" is there.
function __extupdate_targets
    set -l name (string split -m 1 @ -- (commandline -ct))
    if set -q name[2]
        for found in (__extupdate_ask versions $name[1])
            echo $name[1]@$found
        end
    else
        __extupdate_ask components
    end
end

function __extupdate_versions
    __extupdate_ask versions (__extupdate_words)[2]
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
    // A value that is no file is not completed as one.
    ...(value === undefined ? [] : [value === 'file' || value === 'directory' ? '-r' : '-x']),
    ...(values === '' ? [] : [`-a ${quoted(values)}`]),
    `-d ${quoted(summary)}`,
  ].join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
