/** The completions in the shells that they are for, asking the built program. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, programPath, type World } from '../../support/world.ts';

const completions = fileURLToPath(new URL('../../../dist/completions', import.meta.url));
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0;

/** A name for a component and a feature, and what shells would like to run. */
const hostile = 'zz$(echo>PWNED)`echo>PWNED`;echo>PWNED';

let world: World;
let path: string;
beforeAll(async () => {
  world = await makeWorld();
  for (const name of ['docker', 'debug']) {
    world.write(`etc/extupdate/transfer.d/${name}.transfer`, transfer(name));
  }
  world.write('etc/extupdate/transfer.d/extra.feature', '[Feature]\nEnabled=yes\n');
  for (const name of [hostile, 'zz blank', 'zz@at', 'zz\u202eturned']) {
    world.write(`hostile/${name}.transfer`, 'not a definition');
    world.write(`hostile/${name}.feature`, '[Feature]\n');
  }
  world.write('hostile/fine.transfer', transfer('fine', `extra ${hostile} zz@at zz\u202eturned`));
  const image = extensionImage({ name: 'docker', release: { ID: 'testos', VERSION_ID: '1' }, files: {} });
  for (const version of ['28.0', '28.1', '3.9']) {
    world.write(`var/lib/extensions/docker.raw.v/docker_${version}.raw`, image);
  }
  // The program as a shell finds it, without the time that Node takes for authorities.
  path = join(world.root, 'bin');
  mkdirSync(path);
  writeFileSync(join(path, 'extupdate'), `#!/bin/sh\nexec '${process.execPath}' '${programPath}' "$@"\n`);
  chmodSync(join(path, 'extupdate'), 0o755);
});
afterAll(() => world.close());

function transfer(name: string, features = 'extra'): string {
  return definition({
    Transfer: { Features: features },
    Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
    Target: { Path: `/var/lib/extensions/${name}.raw.v`, MatchPattern: `${name}_@v.raw` },
  });
}

function shell(program: string, words: readonly string[]): string[] {
  const env = { PATH: `${path}:${process.env.PATH}`, HOME: world.root, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
  const { stdout, stderr, error } = spawnSync(program, words, {
    env,
    cwd: world.root,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  if (error) throw error;
  return stdout.split(/\r?\n/).filter((line) => line !== '');
}

/** What each shell offers at the end of a line. */
const shells: Readonly<Record<string, (line: string) => string[]>> = {
  bash: (line) =>
    shell('bash', [
      '--norc',
      '-c',
      `source "$1"; COMP_LINE=$2 COMP_POINT=\${#2} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
       compopt() { :; }; _extupdate; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'bash',
      join(completions, 'extupdate.bash'),
      line,
    ]),
  fish: (line) =>
    shell('fish', [
      '--no-config',
      '-c',
      `source $argv[1]; complete -C $argv[2]`,
      join(completions, 'extupdate.fish'),
      line,
    ]).map((one) => one.split('\t')[0] ?? ''),
  // zsh completes in a terminal only: one is made for it, and every match that its completion adds is printed.
  zsh: (line) => shell('zsh', ['-f', '-c', zshDriver, 'zsh', completions, line]),
};

const zshDriver = `
zmodload zsh/zpty
zpty child zsh -f -i
zpty -w child "PROMPT=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w child 'compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return $?; fi
  typeset -a __found; typeset -a __words; builtin compadd -O __found "$@"; for __words in $__found; do print -r -- "match:$__words"; done
  builtin compadd "$@"
}'
zpty -w child 'show() { print -r -- ""; print -r -- "begin:"; _main_complete; print -r -- "end:"; compstate[insert]= compstate[list]= }; zle -C show complete-word show; bindkey "^X" show; print -r -- ready:'
while zpty -r child reply && [[ $reply != *ready:* || $reply == *print* ]]; do :; done
zpty -n -w child "$2"$'\\C-X'
while zpty -r child reply; do
  [[ $reply == *end:* ]] && break
  [[ $reply == *match:* ]] && print -r -- "\${\${reply##*match:}%%[[:space:]]#}"
done
zpty -d child
`;

const places = () => `--root=${world.root}`;

describe.each(Object.entries(shells))('%s', (name, complete) => {
  const missing = !has(name);
  if (missing) console.log(`skipped: ${name} is not installed`);
  it.skipIf(missing).each<[string, readonly string[]]>([
    ['extupdate roll', ['rollback']],
    ['extupdate why PLACES d', ['debug', 'docker']],
    ['extupdate apply PLACES docker do', ['docker']],
    ['extupdate list PLACES docker 28', ['28.0', '28.1']],
    ['extupdate status --js', ['--json=']],
    ['extupdate status --json=s', ['short']],
    ['extupdate status -C d', []],
    ['extupdate enable PLACES --feature=e', ['extra']],
    ['extupdate help extupdate.t', ['extupdate.transfer']],
    ['extupdate hold PLACES docker@28', ['docker@28.0', 'docker@28.1']],
    ['extupdate bless x', []],
  ])('%s', (line, expected) => {
    const found = complete(line.replace('PLACES', places()));
    // Shells differ in whether they print what stands before the word's last break, and "=" after options.
    const plain = (word: string) =>
      word
        .replace(/^--[a-z]+=(?=.)/, '')
        .replace(/=$/, '')
        .replace(/^docker@/, '');
    expect(found.map(plain).sort()).toEqual(expected.map(plain).sort());
  });

  it.skipIf(missing).each([
    ['extupdate list --definitions=HOSTILE zz', [hostile]],
    ['extupdate hold --definitions=HOSTILE zz', [hostile]],
    ['extupdate enable --definitions=HOSTILE --feature=zz', [hostile, 'zz@at']],
  ])('%s: names are offered as words, and nothing in them runs', (line, expected) => {
    const found = complete(line.replace('HOSTILE', join(world.root, 'hostile')));
    // bash puts a word into the line as it gets it.
    const plain = (word: string) => (name === 'bash' ? word.replace(/\\(.)/g, '$1') : word).replace(/^--feature=/, '');
    expect(found.map(plain)).toEqual(expected);
    if (name === 'bash') expect(found[0]).toMatch(/^zz\\\$\\\(/);
    expect(existsSync(join(world.root, 'PWNED'))).toBe(false);
  });
});
