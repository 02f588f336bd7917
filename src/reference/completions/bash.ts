/** The completion for bash(1), loaded by bash-completion when `extupdate` is first completed. */
import type { Completes } from '../command-text.ts';
import { type CommandCompletion, completionTable, helpTopics, type OptionCompletion } from './completion-table.ts';

export function bashCompletion(): string {
  const commands = completionTable();
  return `# bash completion for extupdate

_extupdate_ask() {
    extupdate complete "$@" "\${places[@]}" 2>/dev/null
}

# Offers those lines of standard input that begin with $1, after $2. They are data: compgen -W would run what is in them.
_extupdate_offer() {
    local found word quoted
    mapfile -t found
    for word in "\${found[@]}"; do
        printf -v quoted %q "$word"
        [[ $word == "$1"* || $quoted == "$1"* ]] && COMPREPLY+=("\${2-}$quoted")
    done
}

# The same of words that stand in this file.
_extupdate_words() {
    _extupdate_offer "$2" < <(printf '%s\n' $1)
}

_extupdate_value() {
    case $1 in
        component) _extupdate_offer "$2" < <(_extupdate_ask components) ;;
        feature) _extupdate_offer "$2" < <(_extupdate_ask features) ;;
        version) _extupdate_offer "$2" < <(_extupdate_ask versions "$3") ;;
        target)
            if [[ $2 == *@* ]]; then
                # Words end at "@" where COMP_WORDBREAKS has it.
                local name=\${2%%@*} prefix=\${2%%@*}@
                [[ $COMP_WORDBREAKS == *@* ]] && prefix=
                _extupdate_offer "\${2#*@}" "$prefix" < <(_extupdate_ask versions "$name")
            else
                _extupdate_offer "$2" < <(_extupdate_ask components)
            fi
            ;;
        directory) mapfile -t COMPREPLY < <(compgen -d -- "$2"); compopt -o filenames ;;
        file) mapfile -t COMPREPLY < <(compgen -f -- "$2"); compopt -o filenames ;;
        none) ;;
        *) _extupdate_words "$1" "$2" ;;
    esac
}

_extupdate() {
    local line=\${COMP_LINE:0:COMP_POINT} words cur command= name= index word position=-1 places=()
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cur=\${words[-1]}
    COMPREPLY=()
    for ((index = 1; index < \${#words[@]} - 1; index++)); do
        word=\${words[index]}
        case $word in
            ${valueSwitches(commands)}) index=$((index + 1)) ;;
            --root=*|--definitions=*) places+=("$word") ;;
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
