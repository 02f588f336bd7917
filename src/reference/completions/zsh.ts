/** The completion for zsh(1), a file `_extupdate` in $fpath. */
import type { Completes } from '../command-text.ts';
import { type CommandCompletion, completionTable, helpTopics, type OptionCompletion } from './completion-table.ts';

const ACTIONS: Readonly<Record<Completes, string>> = {
  component: '_extupdate_components',
  target: '_extupdate_targets',
  version: '_extupdate_versions',
  feature: '_extupdate_features',
  directory: '_files -/',
  file: '_files',
  none: ' ',
};

export function zshCompletion(): string {
  const commands = completionTable();
  return `#compdef extupdate
# zsh completion for extupdate

_extupdate_ask() {
    extupdate complete "$@" \${(M)words:#--(root|definitions)=*} 2>/dev/null
}

_extupdate_components() {
    local -a found
    found=(\${(f)"$(_extupdate_ask components)"})
    compadd -a found
}

_extupdate_features() {
    local -a found
    found=(\${(f)"$(_extupdate_ask features)"})
    compadd -a found
}

_extupdate_versions() {
    local -a found
    found=(\${(f)"$(_extupdate_ask versions \${line[1]})"})
    compadd -a found
}

# NAME, or NAME@VERSION once the "@" is there.
_extupdate_targets() {
    if compset -P 1 '*@'; then
        local -a found
        found=(\${(f)"$(_extupdate_ask versions \${IPREFIX%@})"})
        compadd -a found
    else
        _extupdate_components
    fi
}

_extupdate() {
    local -a commands line
    local context state curcontext=$curcontext
    commands=(
${commands.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`).join('\n')}
    )
    _arguments -C '(- *)'{-h,--help}'[print help]' '(- *)'{-V,--version}'[print the version]' \\
        '1: :->command' '*:: :->words' && return
    case $state in
        command) _describe command commands ;;
        words)
            case $line[1] in
${commands.map(commandCase).join('\n')}
            esac
            ;;
    esac
}

_extupdate "$@"
`;
}

function commandCase({ name, words, repeats, options }: CommandCompletion): string {
  const topics = name === 'help' ? [`'1:topic:(${helpTopics().join(' ')})'`] : [];
  const positional = words.map((word, index) =>
    repeats && index === words.length - 1
      ? quoted(`*:${word}:${ACTIONS[word]}`)
      : quoted(`${index + 1}:${word}:${ACTIONS[word]}`),
  );
  const specs = [...options.map(optionSpec), ...positional, ...topics];
  return `                ${name}) _arguments ${specs.join(' ')} ;;`;
}

function optionSpec({ long, short, summary, value, repeats }: OptionCompletion): string {
  const text = `[${summary.replaceAll('[', '(').replaceAll(']', ')')}]`;
  const action = typeof value === 'string' ? ACTIONS[value] : `(${(value ?? []).join(' ')})`;
  const tail = value === undefined ? text : `${text}:${long}:${action}`;
  const longSpec = `--${long}${value === undefined ? '' : '='}`;
  if (short === undefined) return quoted(`${repeats ? '*' : ''}${longSpec}${tail}`);
  const shortSpec = `-${short}${value === undefined ? '' : '+'}`;
  const prefix = repeats ? "'*'" : `'(-${short} --${long})'`;
  return `${prefix}{${shortSpec},${longSpec}}${quoted(tail)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
