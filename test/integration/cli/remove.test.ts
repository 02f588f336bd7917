/** `remove`: what goes, what stays, and what another run makes of one that was killed. */
import { existsSync, mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemovedDocument } from '../../../src/cli/remove-command.ts';
import { runCommand } from '../../../src/os/run-command.ts';
import { extensionImage } from '../../support/images.ts';
import { runOnTerminal } from '../../support/terminal.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

const image = (name: string, version: string) =>
  extensionImage({ name, release: { ID: 'testos', VERSION_ID: '1' }, files: { 'usr/share/x': version } });

function text(name: string, target: Record<string, string> = { Path: `/var/lib/extensions/${name}.raw.v` }): string {
  return definition({
    Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
    Target: target,
  });
}

async function offer(name: string, ...versions: string[]): Promise<void> {
  await world.publish(name, Object.fromEntries(versions.map((one) => [`${name}_${one}.raw`, image(name, one)])));
}

const state = () => JSON.parse(world.read('var/lib/extupdate/state.json') ?? '{}') as Record<string, object>;
const records = () =>
  world
    .names('var/lib/extupdate/os')
    .map((name) => world.read(`var/lib/extupdate/os/${name}`))
    .join();
const lines = ({ stdout }: { stdout: string }) => stdout.trimEnd().split('\n');

describe('what add has brought', () => {
  beforeEach(async () => {
    await offer('app', '1', '2');
    await offer('other', '1');
    world.write('etc/extupdate/transfer.d/other.transfer', text('other'));
    expect(await world.run(['add', 'app', `${world.server.url}/app`, '--yes'])).toMatchObject({ status: 0 });
    await world.run(['apply']);
    await world.run(['apply', 'app@1']);
    await world.run(['hold', 'app@1']);
  });

  it('goes, with all that is remembered of it; the others stay', async () => {
    expect(world.names('var/lib/extensions/app.raw.v')).toEqual(['.parked', 'app_1.raw']);
    expect(state()).toMatchObject({ pinned: { app: '1' }, previous: { app: '2' } });
    const result = await world.run(['remove', 'app', '--yes']);
    expect(result).toMatchObject({ status: 0 });
    expect(lines(result)).toEqual([
      'app:',
      '  will be hidden: app',
      '  will be deleted: /var/lib/extensions/app.raw.v/app_1.raw',
      '  will be deleted: /var/lib/extensions/app.raw.v/app_2.raw',
      '  definition, will be deleted: /etc/extupdate/transfer.d/app.transfer',
      'app: removed',
    ]);
    expect(world.names('var/lib/extensions')).toEqual(['other.raw.v']);
    expect(world.names('etc/extupdate/transfer.d')).toEqual(['other.transfer']);
    expect(JSON.stringify(state())).not.toContain('app');
    expect(records()).not.toContain('"app"');
    expect(records()).toContain('"other"');
    expect((await world.run(['history', '--json=short'])).stdout).toContain('"command":"remove"');
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    // As if it had never been there.
    await world.run(['add', 'app', `${world.server.url}/app`, '--yes', '--now']);
    expect(world.names('var/lib/extensions/app.raw.v')).toEqual(['.parked', 'app_2.raw']);
  });

  it('a dry run, and one without a terminal, change nothing', async () => {
    const dry = await world.run(['remove', 'app', '--dry-run', '--json=short']);
    expect(dry.status).toBe(0);
    const { removed } = JSON.parse(dry.stdout) as { removed: RemovedDocument[] };
    expect(removed).toEqual([
      {
        component: 'app',
        visible: ['app'],
        files: [
          { path: '/var/lib/extensions/app.raw.v/app_1.raw', version: '1' },
          { path: '/var/lib/extensions/app.raw.v/app_2.raw', version: '2' },
        ],
        definitions: [{ file: '/etc/extupdate/transfer.d/app.transfer', action: 'delete' }],
        services: [],
        done: false,
      },
    ]);
    const unasked = await world.run(['remove', 'app']);
    expect(unasked.status).toBe(2);
    expect(unasked.stdout).toContain('  will be deleted: /var/lib/extensions/app.raw.v/app_1.raw');
    expect(unasked.stderr).toContain('--yes does it');
    const no = await runOnTerminal(['remove', 'app', `--root=${world.root}`], ['n\n']);
    expect(no).toMatchObject({ status: 0, screen: expect.stringContaining('Nothing was removed.') });
    expect(world.names('var/lib/extensions/app.raw.v')).toEqual(['.parked', 'app_1.raw']);
    const yes = await runOnTerminal(['remove', 'app', `--root=${world.root}`], ['\n']);
    expect(yes).toMatchObject({ status: 0, screen: expect.stringContaining('app: removed') });
    expect(world.names('var/lib/extensions')).toEqual(['other.raw.v']);
  });

  it('--keep-files takes the definition alone', async () => {
    const result = await world.run(['remove', 'app', '--yes', '--keep-files']);
    expect(lines(result)).toEqual([
      'app:',
      '  nothing of it is deleted (--keep-files)',
      '  definition, will be deleted: /etc/extupdate/transfer.d/app.transfer',
      'app: removed',
    ]);
    expect(world.names('var/lib/extensions/app.raw.v')).toEqual(['.parked', 'app_1.raw']);
    expect(state()).toMatchObject({ pinned: { app: '1' } });
    // What is remembered goes when it is asked for once more.
    expect((await world.run(['remove', 'app', '--yes'])).status).toBe(0);
    expect(JSON.stringify(state())).not.toContain('app');
    const gone = await world.run(['remove', 'app', '--yes']);
    expect([gone.status, gone.stderr]).toEqual([2, expect.stringContaining('app: no such component')]);
  });

  it('a link, its directory, and what a person put beside it', async () => {
    world.write(
      'etc/extupdate/transfer.d/linked.transfer',
      text('linked', { Path: '/opt/extensions/linked', CurrentSymlink: '/etc/extensions/linked.raw' }),
    );
    await offer('linked', '1');
    await world.run(['apply', 'linked']);
    await world.run(['remove', 'linked', '--yes', '--purge']);
    expect(world.link('etc/extensions/linked.raw')).toBeUndefined();
    expect(world.names('opt/extensions')).toEqual([]);
    // A link that leads elsewhere, and files that are not ours, stay.
    world.write(
      'etc/extupdate/transfer.d/linked.transfer',
      text('linked', { Path: '/opt/extensions/linked', CurrentSymlink: '/etc/extensions/linked.raw' }),
    );
    await world.run(['apply', 'linked']);
    world.write('opt/extensions/linked/notes.txt', 'mine');
    await world.run(['remove', 'linked', '--yes', '--purge']);
    expect(world.names('opt/extensions/linked')).toEqual(['notes.txt']);
    mkdirSync(join(world.root, 'etc/extensions'), { recursive: true });
    symlinkSync('/srv/mine.raw', join(world.root, 'etc/extensions/linked.raw'));
    world.write(
      'etc/extupdate/transfer.d/linked.transfer',
      text('linked', { Path: '/opt/extensions/linked', CurrentSymlink: '/etc/extensions/linked.raw' }),
    );
    await world.run(['remove', 'linked', '--yes', '--purge']);
    expect(world.link('etc/extensions/linked.raw')).toBe('/srv/mine.raw');
  });

  it('what a killed run has left is finished by the next remove, or put back by the next run', async () => {
    // Hidden, and nothing more: the definition is still there.
    world.write(
      'var/lib/extensions/app.raw.v/.parked/app_1.raw',
      world.read('var/lib/extensions/app.raw.v/app_1.raw') ?? '',
    );
    const { rmSync } = await import('node:fs');
    rmSync(join(world.root, 'var/lib/extensions/app.raw.v/app_1.raw'));
    await world.run(['apply']);
    expect(world.names('var/lib/extensions/app.raw.v')).toContain('app_1.raw');
    // Without its definition: only memory is left.
    rmSync(join(world.root, 'etc/extupdate/transfer.d/app.transfer'));
    const result = await world.run(['remove', 'app', '--yes']);
    expect(result).toMatchObject({ status: 0, stdout: 'app:\n  nothing of it is installed\napp: removed\n' });
    expect(JSON.stringify(state())).not.toContain('"app"');
  });
});

describe('definitions that others have written', () => {
  beforeEach(() => offer('app', '1'));

  it('one by hand stays, and is disabled', async () => {
    world.write('etc/extupdate/transfer.d/10-app.transfer', text('app'));
    await world.run(['apply']);
    const result = await world.run(['remove', 'app', '--yes']);
    expect(lines(result)).toEqual([
      'app:',
      '  will be hidden: app',
      '  will be deleted: /var/lib/extensions/app.raw.v/app_1.raw',
      '  will be disabled, by /etc/extupdate/transfer.d/app.component.d/50-systemd-sysupdate-enabled.conf',
      '  stays, for it was written by hand (--purge deletes it): /etc/extupdate/transfer.d/10-app.transfer',
      'app: removed, and disabled: "extupdate enable app" takes it back',
    ]);
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    expect(world.names('var/lib/extensions')).toEqual([]);
    // Off, and still there to be purged.
    const purged = await world.run(['remove', 'app', '--yes', '--purge']);
    expect(purged.status).toBe(0);
    expect(world.names('etc/extupdate/transfer.d')).toEqual([]);
  });

  it.each([
    ['usr/lib/extupdate/transfer.d/app.transfer', 'etc/extupdate/transfer.d/app.transfer'],
    ['usr/local/lib/extupdate/transfer.d/20-app.transfer', 'etc/extupdate/transfer.d/20-app.transfer'],
    ['usr/lib/sysupdate.app.d/10-app.transfer', 'etc/sysupdate.app.d/10-app.transfer'],
    ['usr/lib/sysupdate.app.d/app.conf', 'etc/sysupdate.app.d/app.conf'],
  ])('%s was shipped: it is masked', async (shipped, mask) => {
    world.write(shipped, text('app'));
    await world.run(['apply']);
    expect(world.names('var/lib/extensions/app.raw.v')).toEqual(['.parked', 'app_1.raw']);
    const result = await world.run(['remove', 'app', '--yes']);
    expect(result.stdout).toContain(
      `  definition, will be masked, for it was shipped with the OS: /${mask} -> /dev/null\n`,
    );
    expect(readlinkSync(join(world.root, mask))).toBe('/dev/null');
    expect(existsSync(join(world.root, 'dev/null'))).toBe(false);
    expect(world.names('var/lib/extensions')).toEqual([]);
    const names = (await world.run(['components', '--json=short'])).json() as unknown as { components: string[] };
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    if (mask.includes('transfer.d')) expect(names.components).toEqual([]);
  });

  it('a component of several files is off until all of them are masked', async () => {
    world.write('usr/lib/sysupdate.app.d/10-app.transfer', text('app'));
    world.write('usr/lib/sysupdate.app.d/20-more.transfer', text('more'));
    world.write('etc/sysupdate.app.d/20-more.transfer.d/mine.conf', '[Transfer]\nMinVersion=1\n');
    await world.publish('more', { 'more_1.raw': image('more', '1') });
    await world.run(['apply']);
    expect(world.names('var/lib/extensions')).toEqual(['app.raw.v', 'more.raw.v']);
    const { stdout } = await world.run(['remove', 'app', '--dry-run', '--json=short']);
    const [removed] = (JSON.parse(stdout) as { removed: RemovedDocument[] }).removed;
    const dropIn = '/etc/sysupdate.app.component.d/50-systemd-sysupdate-enabled.conf';
    expect(removed?.definitions).toEqual([
      { file: dropIn, action: 'disable' },
      { file: '/etc/sysupdate.app.d/10-app.transfer', action: 'mask' },
      { file: '/etc/sysupdate.app.d/20-more.transfer', action: 'mask' },
      { file: dropIn, action: 'delete' },
      { file: '/etc/sysupdate.app.d/20-more.transfer.d/mine.conf', action: 'keep' },
    ]);
    expect((await world.run(['remove', 'app', '--yes'])).status).toBe(0);
    expect(world.names('var/lib/extensions')).toEqual([]);
    expect(world.names('etc')).toEqual(['systemd', 'sysupdate.app.d']);
  });

  it('a component that is disabled goes, too; one whose features are off as well', async () => {
    world.write('etc/extupdate/transfer.d/app.transfer', text('app'));
    await world.run(['apply']);
    await world.run(['disable', 'app']);
    expect((await world.run(['remove', 'app', '--yes', '--purge'])).status).toBe(0);
    expect(world.names('var/lib/extensions')).toEqual([]);
  });

  it('files of a rival in the same directory stay', async () => {
    const target = { Path: '/var/lib/extensions' };
    await world.publish('app', { 'app-1.raw': image('app-1', '1') });
    await world.publish('app-more', { 'app-more-1.raw': image('app-more-1', '1') });
    for (const name of ['app', 'app-more']) {
      const pattern = { MatchPattern: `${name}-@v.raw` };
      world.write(
        `etc/extupdate/transfer.d/${name}.transfer`,
        definition({ Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, ...pattern }, Target: target }),
      );
    }
    await world.run(['apply']);
    expect(world.names('var/lib/extensions')).toEqual(['.parked', 'app-1.raw', 'app-more-1.raw']);
    await world.run(['disable', 'app']);
    expect((await world.run(['remove', 'app', '--yes', '--purge'])).status).toBe(0);
    expect(world.names('var/lib/extensions')).toEqual(['app-more-1.raw']);
  });
});

it('files that a disabled component names, too, stay', async () => {
  await offer('app', '1');
  for (const name of ['app', 'twin']) world.write(`etc/extupdate/transfer.d/${name}.transfer`, text('app'));
  await world.run(['disable', 'twin']);
  expect((await world.run(['apply'])).status).toBe(0);
  await world.run(['disable', 'app']);
  expect((await world.run(['remove', 'twin', '--yes', '--purge'])).status).toBe(0);
  expect(world.names('var/lib/extensions/app.raw.v')).toEqual(['.parked', 'app_1.raw']);
  expect(world.names('etc/extupdate/transfer.d')).toEqual(['app.component.d', 'app.transfer']);
});

it.runIf(process.getuid?.() === 0)('nothing goes where the definition cannot go (14)', async () => {
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  await offer('app', '1');
  await world.run(['add', 'app', `${world.server.url}/app`, '--yes', '--now']);
  await runCommand(['chown', '-R', '65534:65534', join(world.root, 'var'), join(world.root, 'run')]);
  await runCommand(['chmod', '755', join(world.root, '..')]);
  const result = await world.run(['remove', 'app', '--yes'], { wrapper: nobody });
  expect([result.status, result.stderr]).toEqual([
    14,
    expect.stringContaining('/etc/extupdate/transfer.d/app.transfer: permission denied'),
  ]);
  expect(world.names('var/lib/extensions/app.raw.v')).toContain('app_1.raw');
});

describe('what is not removed', () => {
  it.each([
    ['default', {}, 'mostly the OS itself'],
    ['nothing', {}, 'nothing: no such component'],
    ['ap', { 'etc/extupdate/transfer.d/app.transfer': 'app' }, 'did you mean app?'],
  ])('%s (2)', async (name, files, told) => {
    for (const [path, component] of Object.entries(files)) world.write(path, text(component));
    const result = await world.run(['remove', name, '--yes']);
    expect([result.status, result.stderr]).toEqual([2, expect.stringContaining(told)]);
  });

  it('a definition that cannot be read (3), but for --keep-files', async () => {
    world.write('etc/extupdate/transfer.d/app.transfer', '[Source]\nType=nonsense\n');
    const result = await world.run(['remove', 'app', '--yes', '--purge']);
    expect([result.status, result.stderr]).toEqual([
      3,
      expect.stringContaining('--keep-files takes the definition away alone'),
    ]);
    expect((await world.run(['remove', 'app', '--yes', '--purge', '--keep-files'])).status).toBe(0);
    expect(world.names('etc/extupdate/transfer.d')).toEqual([]);
  });

  it('what systemd-sysupdate is left (2), and a hand-written file of --definitions= (2)', async () => {
    world.write(
      'etc/sysupdate.os.d/os.transfer',
      definition({
        Source: { Type: 'url-file', Path: world.server.url, MatchPattern: 'os_@v.raw' },
        Target: { Type: 'partition', Path: '/dev/x', MatchPattern: 'os_@v' },
      }),
    );
    const os = await world.run(['remove', 'os', '--yes']);
    expect([os.status, os.stderr]).toEqual([2, expect.stringContaining('left to systemd-sysupdate')]);
    world.write('mine/app.transfer', text('app'));
    const mine = await world.run(['remove', 'app', '--yes', `--definitions=${world.root}/mine`]);
    expect([mine.status, mine.stderr]).toEqual([2, expect.stringContaining('--purge deletes it')]);
    expect((await world.run(['remove', 'app', '--yes', '--purge', `--definitions=${world.root}/mine`])).status).toBe(0);
    expect(world.names('mine')).toEqual([]);
  });
});
