/**
 * systemd.md 1.4: the settings of [Target], by what a run leaves on the disk. Every row is a component of its own; one
 * run installs all of them.
 */
import { spawn } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definition, makeWorld, type RunResult, type World } from '../../support/world.ts';

type Settings = Readonly<Record<string, string | readonly string[]>>;

let world: World;
let result: RunResult;
const components: string[] = [];

/** Defines a component of one transfer from /srv/NAME to /opt/NAME, and puts a file, or a tree, into its source. */
function define(name: string, target: Settings, source: Settings = {}, offered = 'f_1'): string {
  components.push(name);
  const isTree = source.Type === 'directory';
  world.write(`srv/${name}/${offered}${isTree ? '/file' : ''}`, name);
  chmodSync(join(world.root, 'srv', name, offered), isTree ? 0o750 : 0o640);
  world.write(
    `etc/sysupdate.${name}.d/a.transfer`,
    definition({
      Source: { Type: 'regular-file', Path: `/srv/${name}`, MatchPattern: 'f_@v', ...source },
      Target: { Path: `/opt/${name}`, MatchPattern: 'f_@v', ...target },
    }),
  );
  return join(world.root, 'srv', name, offered);
}

const modeOf = (path: string) => (lstatSync(join(world.root, path)).mode & 0o7777).toString(8);

beforeAll(async () => {
  world = await makeWorld();
  define('type-file', {});
  define('type-tree', {}, { Type: 'directory' });
  define('mode-set', { Mode: '0600' });
  define('mode-name', {}, { MatchPattern: 'f_@v_@m' }, 'f_1_604');
  define('mode-both', { Mode: '0600' }, { MatchPattern: 'f_@v_@m' }, 'f_1_604');
  chmodSync(define('mode-source', {}), 0o6777);
  define('read-only', { ReadOnly: 'yes', Mode: '0664' });
  define('read-only-name', { Mode: '0664' }, { MatchPattern: 'f_@v_@r' }, 'f_1_yes');
  define('read-write', { ReadOnly: 'no', Mode: '0664' }, { MatchPattern: 'f_@v_@r' }, 'f_1_1');
  define('tries', { MatchPattern: 'f_@v+@l-@d' });
  define('tries-set', { MatchPattern: 'f_@v+@l-@d', TriesLeft: '7', TriesDone: '2' });
  define('tries-name', { MatchPattern: 'f_@v+@l' }, { MatchPattern: 'f_@v+@l' }, 'f_1+5');
  for (const [name, target] of Object.entries({
    'instances-default': {},
    'instances-less': { InstancesMax: '1' },
    'instances-four': { InstancesMax: '4' },
  })) {
    define(name, target, {}, 'f_9');
    for (const version of [4, 5, 6, 7, 8]) world.write(`opt/${name}/f_${version}`, '');
  }
  define('temporary', { RemoveTemporary: 'yes' });
  define('link-relative', { CurrentSymlink: 'current' });
  define('link-absolute', { CurrentSymlink: '/usr/local/current' });
  define('link-replaced', { CurrentSymlink: '/opt/link-replaced/now' });
  define('link-old', { CurrentSymlink: 'now', InstancesMax: '2' }, {}, 'f_9');
  define('times', { MatchPattern: 'f_@v_@t' }, { MatchPattern: 'f_@v_@t' }, 'f_1_1500000000000000');
  define('partition-settings', {
    MatchPartitionType: 'usr',
    PartitionUUID: '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
    PartitionFlags: '1',
    PartitionNoAuto: 'yes',
    PartitionGrowFileSystem: 'yes',
  });

  for (const name of [
    '.#other',
    '.sysupdate.partial.f_3',
    '.sysupdate.pending.f_4',
    `.extupdate.f_2.${'a'.repeat(32)}`,
  ])
    world.write(`opt/temporary/${name}`, '');
  mkdirSync(join(world.root, 'opt/link-replaced'), { recursive: true });
  symlinkSync('f_0', join(world.root, 'opt/link-replaced/now'));
  world.write('opt/link-replaced/f_0', '');
  for (const version of [1, 2, 3]) world.write(`opt/link-old/f_${version}`, '');
  symlinkSync('f_1', join(world.root, 'opt/link-old/now'));
  utimesSync(join(world.root, 'srv/mode-source/f_1'), 1_000_000_000, 1_000_000_000);

  result = await world.run(['apply', '--json=short']);
});
afterAll(() => world.close());

it('systemd.md 1.4: all of it is valid, and installed in one run', () => {
  expect([result.status, result.json().errors]).toEqual([0, []]);
  expect(result.json().components.map(({ name }) => name)).toEqual([...components].sort());
});

describe('systemd.md 1.4: [Target] Type=', () => {
  it.each([
    ['regular-file where the source is a file', 'type-file', true],
    ['directory where the source is a tree', 'type-tree', false],
  ])('is %s', (_, name, isFile) => {
    expect(lstatSync(join(world.root, 'opt', name, 'f_1')).isFile()).toBe(isFile);
  });
});

describe('systemd.md 1.4: what belongs to partitions is left to systemd-sysupdate: listed, and refused by name', () => {
  const rows = [
    ['Path=/dev/...: a partition where Type= is not set', 'device', { Path: '/dev/sda' }],
    ['Path=auto: a partition where Type= is not set', 'auto', { Path: 'auto' }],
    ['MatchPartitionType= of a partition', 'typed', { Type: 'partition', Path: 'auto', MatchPartitionType: 'root' }],
  ] as const;
  let own: World;
  let listed: RunResult;

  beforeAll(async () => {
    own = await makeWorld();
    for (const [, name, target] of rows) {
      const Source = { Type: 'url-file', Path: own.server.url, MatchPattern: 'f_@v' };
      own.write(
        `etc/sysupdate.${name}.d/a.transfer`,
        definition({ Source, Target: { MatchPattern: 'f_@v', ...target } }),
      );
    }
    listed = await own.run(['list']);
  });
  afterAll(() => own.close());

  it.each(rows)('%s', (_, name) => {
    expect(listed.status).toBe(0);
    expect(listed.stdout).toContain(`${name}: left to systemd-sysupdate, its target is a partition`);
  });

  it('no server is asked for them, and nothing is applied', async () => {
    const refused = await own.run(['apply', 'auto']);
    expect([refused.status, refused.stderr]).toEqual([
      2,
      expect.stringContaining('auto is left to systemd-sysupdate, its target is a partition'),
    ]);
    expect(own.server.requests).toEqual([]);
  });

  it('settings of partitions mean nothing for a file, and are no mistake', () => {
    expect(world.names('opt/partition-settings')).toEqual(['f_1']);
  });
});

describe('systemd.md 1.4: Mode= and ReadOnly=', () => {
  it.each([
    ['Mode=', 'mode-set', '600'],
    ['@m where Mode= is not set', 'mode-name', '604'],
    ['Mode= before @m', 'mode-both', '600'],
    ['the mode of the source, without set-user-id and write for others, where neither is', 'mode-source', '775'],
    ['ReadOnly=yes takes writing away', 'read-only', '444'],
    ['@r where ReadOnly= is not set', 'read-only-name', '444'],
    ['ReadOnly=no before @r', 'read-write', '664'],
    ['a tree keeps its own mode', 'type-tree', '750'],
  ])('%s', (_, name, mode) => {
    expect(modeOf(`opt/${name}/f_1`)).toBe(mode);
  });

  it('the time is that of the source, or @t', () => {
    expect(statSync(join(world.root, 'opt/mode-source/f_1')).mtimeMs).toBe(1_000_000_000_000);
    expect(statSync(join(world.root, 'opt/times/f_1_1500000000000000')).mtimeMs).toBe(1_500_000_000_000);
  });
});

describe('systemd.md 1.4: TriesLeft= and TriesDone=', () => {
  it.each([
    ['3 left and 0 done where nothing is said', 'tries', 'f_1+3-0'],
    ['as set', 'tries-set', 'f_1+7-2'],
    ['as the source’s name tells', 'tries-name', 'f_1+5'],
  ])('%s', (_, name, file) => {
    expect(world.names(`opt/${name}`)).toEqual([file]);
  });
});

describe('systemd.md 1.4: InstancesMax=', () => {
  it.each([
    ['3 where nothing is said', 'instances-default', ['f_7', 'f_8', 'f_9']],
    ['values below 2 are raised to 2', 'instances-less', ['f_8', 'f_9']],
    ['4', 'instances-four', ['f_6', 'f_7', 'f_8', 'f_9']],
  ])('%s: the oldest go', (_, name, files) => {
    expect(world.names(`opt/${name}`)).toEqual(files);
  });

  it('keeps what is in use, however old (systemd deletes by version alone)', () => {
    // f_1 was the current one, so it is what one could go back to; f_2 and f_3 never were.
    expect(world.names('opt/link-old')).toEqual(['f_1', 'f_9', 'now']);
  });
});

describe('systemd.md 1.4: RemoveTemporary=', () => {
  it('removes only extupdate’s own temporary files (systemd removes those of others too)', () => {
    expect(world.names('opt/temporary')).toEqual([
      '.#other',
      '.sysupdate.partial.f_3',
      '.sysupdate.pending.f_4',
      'f_1',
    ]);
  });
});

describe('systemd.md 1.4: CurrentSymlink=', () => {
  it.each([
    ['a relative one is inside Path=', 'opt/link-relative/current', 'f_1'],
    [
      'an absolute one is where it says, and its own target is relative',
      'usr/local/current',
      '../../opt/link-absolute/f_1',
    ],
    ['one that leads elsewhere is replaced', 'opt/link-replaced/now', 'f_1'],
  ])('%s', (_, link, target) => {
    expect(world.link(link)).toBe(target);
  });

  it('is there at every moment while it is replaced', async () => {
    world.write('srv/link-relative/f_2', '');
    // A shell that looks at it as often as it can, until it leads to the new version.
    const watcher = spawn('sh', [
      '-c',
      `cd ${join(world.root, 'opt/link-relative')}; until [ "$l" = f_2 ]; do l=$(readlink current) || echo gone; done`,
    ]);
    let said = '';
    watcher.stdout.on('data', (text) => {
      said += text;
    });
    const ended = new Promise((resolve) => watcher.on('close', resolve));
    expect((await world.run(['apply', 'link-relative'])).status).toBe(0);
    await ended;
    expect(said).toBe('');
  });
});
