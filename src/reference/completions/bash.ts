/** The completion for bash(1), loaded by bash-completion when `extupdate` is first completed. */
import type { Completes } from '../command-text.ts';
import { type CommandCompletion, completionTable, helpTopics, type OptionCompletion } from './completion-table.ts';

export function bashCompletion(): string {
  const commands = completionTable();
  return `# bash completion for extupdate

_extupdate_ask() {
    extupdate complete "$@" $places 2>/dev/null
}

_extupdate_words() {
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$2")
}

_extupdate_value() {
    case $1 in
        component) _extupdate_words "$(_extupdate_ask components)" "$2" ;;
        feature) _extupdate_words "$(_extupdate_ask features)" "$2" ;;
        version) _extupdate_words "$(_extupdate_ask versions "$3")" "$2" ;;
        target)
            if [[ $2 == *@* ]]; then
                # Words end at "@" where COMP_WORDBREAKS has it.
                local name=\${2%%@*} prefix=\${2%%@*}@
                [[ $COMP_WORDBREAKS == *@* ]] && prefix=
                mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$(_extupdate_ask versions "$name")" -- "\${2#*@}")
            else
                _extupdate_words "$(_extupdate_ask components)" "$2"
            fi
            ;;
        directory) mapfile -t COMPREPLY < <(compgen -d -- "$2"); compopt -o filenames ;;
        file) mapfile -t COMPREPLY < <(compgen -f -- "$2"); compopt -o filenames ;;
        none) ;;
        *) _extupdate_words "$1" "$2" ;;
    esac
}

_extupdate() {
    local line=\${COMP_LINE:0:COMP_POINT} words cur command= name= index word position=-1 places=
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=\${words[-1]}
    COMPREPLY=()
    for ((index = 1; index < \${#words[@]} - 1; index++)); do
        word=\${words[index]}
        case $word in
            ${valueSwitches(commands)}) index=$((index + 1)) ;;
            --root=*|--definitions=*) places+=" $word" ;;
            -*) ;;
            *) [[ -z $command ]] && command=$word || { [[ -z $name ]] && name=$word; }; position=$((position + 1)) ;;
        esac
    done
    local options= values= repeats=
    case $command in
        '') values='${[...commands.map(({ name }) => name)].join(' ')}' options='--help --version' ;;
${commands.map(commandCase).join('\n')}
    esac
    if [[ $cur == --*=* ]]; then
        local option=\${cur%%=*} value=\${cur#*=}
        case $option in
${valueCases(commands, 12)}
        esac
        # Words end at "=" in most shells.
        [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("\${COMPREPLY[@]/#/$option=}")
        return
    fi
    case \${words[-2]} in
${previousCases(commands, 8)}
    esac
    if [[ $cur == -* ]]; then
        _extupdate_words "$options" "$cur"
        [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
        return
    fi
    [[ -z $command ]] && { _extupdate_words "$values" "$cur"; return; }
    local kinds=($values)
    [[ $command == help ]] && { _extupdate_words "$values" "$cur"; return; }
    local kind=\${kinds[position]:-}
    [[ -z $kind && -n $repeats ]] && kind=\${kinds[-1]}
    _extupdate_value "\${kind:-none}" "$cur" "$name"
}

complete -F _extupdate extupdate
`;
}

function commandCase({ name, words, repeats, options }: CommandCompletion): string {
  const shown = options.map((option) => `--${option.long}${option.value === undefined ? '' : '='}`).join(' ');
  const values = name === 'help' ? helpTopics().join(' ') : words.join(' ');
  return `        ${name}) values='${values}' repeats='${repeats ? 'yes' : ''}' options='${shown}' ;;`;
}

/** Short options with a value, which is the word after them; long ones take theirs with "=" or likewise. */
function valueSwitches(commands: readonly CommandCompletion[]): string {
  return valueOptions(commands).flatMap(spellings).join('|');
}

function spellings({ long, short }: OptionCompletion): string[] {
  return [`--${long}`, ...(short === undefined ? [] : [`-${short}`])];
}

function valueCases(commands: readonly CommandCompletion[], indent: number): string {
  return valueOptions(commands)
    .map((option) => `${' '.repeat(indent)}--${option.long}) _extupdate_value ${kindOf(option)} "$value" "$name" ;;`)
    .join('\n');
}

function previousCases(commands: readonly CommandCompletion[], indent: number): string {
  return valueOptions(commands)
    .map(
      (option) =>
        `${' '.repeat(indent)}${spellings(option).join('|')}) _extupdate_value ${kindOf(option)} "$cur" "$name"; return ;;`,
    )
    .join('\n');
}

function valueOptions(commands: readonly CommandCompletion[]): OptionCompletion[] {
  const all = commands.flatMap(({ options }) => options).filter(({ value }) => value !== undefined);
  return all.filter((option, index) => all.findIndex(({ long }) => long === option.long) === index);
}

function kindOf({ value }: OptionCompletion): string {
  return typeof value === 'string' ? (value satisfies Completes) : `'${(value ?? []).join(' ')}'`;
}
