/** What people see on a terminal: width, styles, pager. script(1) makes the terminal. */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { runOnTerminal } from '../../support/terminal.ts';
import { definition, makeWorld, programPath, type World } from '../../support/world.ts';

const run = promisify(execFile);
let world: World;
beforeAll(async () => {
  world = await makeWorld();
  const sections = {
    Source: { Type: 'url-file', Path: `${world.server.url}/app`, MatchPattern: 'app_@v.raw' },
    Target: { Path: '/var/lib/extensions/app.raw.v', MatchPattern: 'app_@v.raw' },
  };
  world.write('etc/extupdate/transfer.d/app.transfer', definition(sections));
  const versions = Array.from({ length: 30 }, (_, index) => `1.${index}`);
  const image = extensionImage({ name: 'app', release: { ID: 'testos', VERSION_ID: '1' }, files: {} });
  for (const version of versions) world.write(`var/lib/extensions/app.raw.v/app_${version}.raw`, image);
  program('pager', 'printf "paged with %s\\n" "$LESS"\ncat');
});
afterAll(() => world.close());

/** A program of the world, for the shell. */
function program(path: string, script: string): void {
  world.write(path, `#!/bin/sh\n${script}\n`);
  chmodSync(join(world.root, path), 0o755);
}

/** Where the shell finds a program. */
function placeOf(name: string): string {
  const places = (process.env.PATH ?? '').split(':').map((directory) => join(directory, name));
  return places.find((place) => existsSync(place)) ?? name;
}

interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs the program on a terminal. */
async function onTerminal(
  words: readonly string[],
  { columns = 80, rows = 24, env = {} }: Terminal = {},
): Promise<string> {
  const command = [process.execPath, programPath, ...words].map((word) => `'${word}'`).join(' ');
  const script = `stty cols ${columns} rows ${rows}; ${command}`;
  const { stdout } = await run('script', ['-qec', script, '/dev/null'], {
    env: {
      PATH: process.env.PATH,
      TERM: 'xterm',
      LC_ALL: 'C.UTF-8',
      PAGER: join(world.root, 'pager'),
      // Whoever has logged in here, and become root.
      SYSTEMD_PAGERSECURE: 'no',
      ...env,
    },
  });
  return stdout.replaceAll('\r\n', '\n');
}

describe('a table on a terminal', () => {
  const list = () => ['status', `--root=${world.root}`];

  it('is shown with a pager where it is longer than the terminal, with less told to end by itself', async () => {
    expect(await onTerminal(list())).toMatch(/^paged with FRSXMK\n/);
    expect(await onTerminal(list(), { env: { SYSTEMD_LESS: 'R' } })).toMatch(/^paged with R\n/);
  });

  it.each<[string, Parameters<typeof onTerminal>[1], readonly string[]]>([
    ['it fits', { rows: 60 }, []],
    ['--no-pager is given', {}, ['--no-pager']],
    ['the pager is cat', { env: { SYSTEMD_PAGER: 'cat' } }, []],
    ['there is no such pager', { env: { SYSTEMD_PAGER: '/no/such/pager' } }, []],
  ])('is written as it is where %s', async (_, options, words) => {
    const shown = await onTerminal([...list(), ...words], options);
    expect(shown).toMatch(/COMPONENT/);
    expect(shown).not.toMatch(/paged/);
  });

  it('with the rights of another user, only less is started, and told not to start anything', async () => {
    program('bin/less', 'printf "less, secure: %s\\n" "$LESSSECURE"; cat');
    const secure = { SYSTEMD_PAGERSECURE: undefined, SYSTEMD_PAGER: join(world.root, 'pager') };
    const path = `${join(world.root, 'bin')}:${process.env.PATH}`;
    for (const lent of [{ SUDO_UID: '1000' }, { PKEXEC_UID: '1000' }]) {
      expect(await onTerminal(list(), { env: { ...secure, ...lent, PATH: path } })).toMatch(/^less, secure: 1\n/);
    }
    // Where there is no less, there is a more.
    program('few/more', 'printf paged; cat');
    for (const name of ['script', 'stty']) symlinkSync(placeOf(name), join(world.root, 'few', name));
    const env = { ...secure, SUDO_UID: '1000', PATH: join(world.root, 'few') };
    const without = await onTerminal(list(), { env });
    expect(without).toMatch(/COMPONENT/);
    expect(without).not.toMatch(/paged|less/);
  });

  it('the interrupt key belongs to the pager, which ends when it wants to', async () => {
    program(
      'stubborn',
      `trap 'printf "interrupted: more? [y/n] "' INT; cat >/dev/null; printf 'more? [y/n] '
       until read -r word </dev/tty; do :; done; printf 'left with %s\\n' "$word"`,
    );
    const { status, screen } = await runOnTerminal(list(), ['\u0003', 'n\n'], {
      before: 'stty cols 80 rows 24; trap : INT',
      env: { SYSTEMD_PAGER: join(world.root, 'stubborn'), SYSTEMD_PAGERSECURE: 'no' },
    });
    expect(screen).toMatch(/interrupted: more\? \[y\/n\] n\nleft with n\n/);
    expect(status).toBe(0);
  });

  it('has an underlined header, but not with NO_COLOR', async () => {
    expect(await onTerminal(list(), { rows: 60 })).toMatch(/^\u001b\[4mCOMPONENT .*\u001b\[24m$/m);
    expect(await onTerminal(list(), { rows: 60, env: { NO_COLOR: '1' } })).not.toContain('\u001b');
  });

  it('wraps its last column at the width of the terminal', async () => {
    const lines = (await onTerminal([...list(), '--no-pager'], { columns: 84, env: { NO_COLOR: '1' } })).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(84);
  });
});

it('the help of a topic is paged, too', async () => {
  expect(await onTerminal(['help', 'extupdate.conf'])).toMatch(/^paged with[\s\S]*MaxImageSize=SIZE/);
});

it('an error is red on a terminal', async () => {
  const shown = await onTerminal(['why', `--root=${world.root}`, 'nothing'], {}).catch((error) => error.stdout);
  expect(shown).toContain('\u001b[31mextupdate: nothing: no such component\u001b[39m');
});
