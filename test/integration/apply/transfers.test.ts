import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

type Settings = Readonly<Record<string, string | readonly string[]>>;

let world: World;

beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** Defines transfers of a component that is systemd's as well as ours. */
function define(component: string, transfers: Readonly<Record<string, Readonly<Record<string, Settings>>>>): void {
  for (const [name, sections] of Object.entries(transfers)) {
    world.write(`etc/sysupdate.${component}.d/${name}.transfer`, definition(sections));
  }
}

/** Makes a directory tree below the root, with the files of a sysext in it. */
function writeTree(path: string, name: string, text: string): void {
  world.write(`${path}/usr/lib/extension-release.d/extension-release.${name}`, 'ID=_any\n');
  world.write(`${path}/usr/share/${name}`, text);
}

const apply = async (component: string) => {
  const result = await world.run(['apply', component]);
  expect(result.stderr).not.toContain('error');
  expect(result.status, result.stderr).toBe(0);
  return result.stdout;
};

describe('local sources', () => {
  it('a regular-file source fills a regular-file target, with the mode and time of the source', async () => {
    define('files', {
      one: {
        Source: { Type: 'regular-file', Path: '/srv/files', MatchPattern: 'tool_@v' },
        Target: { Type: 'regular-file', Path: '/opt/files', MatchPattern: 'tool-@v', CurrentSymlink: 'tool' },
      },
    });
    world.write('srv/files/tool_1', 'one');
    world.write('srv/files/tool_2', 'two');
    execFileSync('chmod', ['4757', join(world.root, 'srv/files/tool_2')]);
    utimesSync(join(world.root, 'srv/files/tool_2'), 1_000_000_000, 1_000_000_000);
    expect(await apply('files')).toBe('files: exposed 2\n');
    expect(world.names('opt/files')).toEqual(['tool', 'tool-2']);
    expect(world.read('opt/files/tool')).toBe('two');
    const info = statSync(join(world.root, 'opt/files/tool-2'));
    // World-writability and set-user-id are not inherited.
    expect(info.mode & 0o7777).toBe(0o755);
    expect(info.mtimeMs).toBe(1_000_000_000_000);
    expect(world.read('srv/files/tool_2'), 'the source keeps what is its own').toBe('two');
  });

  it('a compressed regular file is unpacked', async () => {
    define('packed', {
      one: {
        Source: { Type: 'regular-file', Path: '/srv/packed', MatchPattern: 'tool_@v.gz' },
        Target: { Type: 'regular-file', Path: '/opt/packed', MatchPattern: 'tool_@v' },
      },
    });
    world.write('srv/packed/tool_1', 'text');
    execFileSync('gzip', [join(world.root, 'srv/packed/tool_1')]);
    await apply('packed');
    expect(world.read('opt/packed/tool_1')).toBe('text');
  });

  it('a directory source fills a directory target, with links, modes and attributes', async () => {
    define('trees', {
      one: {
        Source: { Type: 'directory', Path: '/srv/trees', MatchPattern: 'tree-@v' },
        Target: { Type: 'directory', Path: '/opt/trees', MatchPattern: 'tree_@v', CurrentSymlink: '/opt/tree' },
      },
    });
    world.write('srv/trees/tree-1/bin/run', 'one');
    execFileSync('sh', ['-c', 'ln -s run bin/link; ln bin/run bin/hard; chmod 750 bin; setfattr -n user.x -v y bin'], {
      cwd: join(world.root, 'srv/trees/tree-1'),
    });
    world.write('srv/trees/not-a-tree-2', 'a file is no tree');
    await apply('trees');
    expect(world.names('opt/trees')).toEqual(['tree_1']);
    expect(world.link('opt/tree')).toBe('trees/tree_1');
    const bin = join(world.root, 'opt/trees/tree_1/bin');
    expect(statSync(bin).mode & 0o7777).toBe(0o750);
    expect(lstatSync(join(bin, 'link')).isSymbolicLink()).toBe(true);
    expect(statSync(join(bin, 'hard')).ino).toBe(statSync(join(bin, 'run')).ino);
    expect(execFileSync('getfattr', ['--only-values', '-n', 'user.x', bin]).toString()).toBe('y');
  });

  it('directory extensions become visible in a .v directory, the newest that fits', async () => {
    define('ext', {
      one: {
        Source: { Type: 'directory', Path: '/srv/ext', MatchPattern: 'ext_@v' },
        Target: { Type: 'directory', Path: '/var/lib/extensions/ext.v', MatchPattern: 'ext_@v' },
      },
    });
    writeTree('srv/ext/ext_1', 'ext', 'one');
    writeTree('srv/ext/ext_3', 'other', 'its name does not fit');
    await apply('ext');
    expect(world.names('var/lib/extensions/ext.v')).toEqual(['.parked', 'ext_1']);
    writeTree('srv/ext/ext_2', 'ext', 'two');
    await apply('ext');
    expect(world.names('var/lib/extensions/ext.v')).toEqual(['.parked', 'ext_1', 'ext_2']);
    const back = await world.run(['rollback', 'ext']);
    expect(back.stdout).toContain('exposed 1 (was 2)');
    expect(world.names('var/lib/extensions/ext.v')).toEqual(['.parked', 'ext_1']);
    expect(world.names('var/lib/extensions/ext.v/.parked')).toEqual(['ext_2']);
  });

  it('a source directory that is not there, or empty, is no failure', async () => {
    define('nothing', {
      one: {
        Source: { Type: 'regular-file', Path: '/srv/nothing', MatchPattern: 'x_@v' },
        Target: { Type: 'regular-file', Path: '/opt/nothing' },
      },
    });
    expect((await world.run(['apply', 'nothing'])).status).toBe(0);
  });

  it('looks into directories as deep as the patterns of source and target go', async () => {
    define('deep', {
      one: {
        Source: { Type: 'regular-file', Path: '/srv/deep', MatchPattern: '**/tool_@v' },
        Target: { Type: 'regular-file', Path: '/opt/deep', MatchPattern: 'v@v/bin/tool', InstancesMax: '2' },
      },
    });
    for (const version of ['1', '2', '3']) {
      world.write(`srv/deep/a/b/tool_${version}`, version);
      await apply('deep');
    }
    expect(world.read('opt/deep/v3/bin/tool')).toBe('3');
    // Directories that a pattern has made go with the last file in them.
    expect(world.names('opt/deep')).toEqual(['v2', 'v3']);
  });
});

describe('where nothing shows a version', () => {
  it('the one that was asked for is current, and is not pruned', async () => {
    define('plain', {
      one: {
        Transfer: { Verify: 'no' },
        Source: { Type: 'url-file', Path: `${world.server.url}/plain`, MatchPattern: 'p_@v' },
        Target: { Type: 'regular-file', Path: '/opt/plain', InstancesMax: '2' },
      },
    });
    await world.publish('plain', { p_1: '1', p_2: '2', p_3: '3' });
    for (const version of ['2', '3', '1']) expect((await world.run(['apply', `plain@${version}`])).status).toBe(0);
    expect(world.names('opt/plain')).toContain('p_1');
    const [component] = (await world.run(['check', 'plain', '--json=short'])).json().components;
    expect(component).toMatchObject({ current: '1', candidate: null });
    // What appears later is newer than what was known when 1 was asked for.
    await world.publish('plain', { p_1: '1', p_2: '2', p_3: '3', p_4: '4' });
    await apply('plain');
    expect(world.names('opt/plain')).toContain('p_4');
  });
});

describe('several transfers', () => {
  const directory = 'opt/set';
  const one = (name: string, more: Settings = {}, transfer: Settings = {}) => ({
    Transfer: { Verify: 'no', ...transfer },
    Source: { Type: 'url-file', Path: `${world.server.url}/set`, MatchPattern: `${name}_@v` },
    Target: { Type: 'regular-file', Path: '/opt/set', InstancesMax: '2', ...more },
  });

  it('a version counts only when all transfers offer it', async () => {
    define('set', { a: one('a'), b: one('b') });
    await world.publish('set', { a_1: 'a1', b_1: 'b1', a_2: 'a2' });
    await apply('set');
    expect(world.names(directory)).toEqual(['a_1', 'b_1']);
  });

  it('nothing of a set gets its name before all of it is at hand', async () => {
    await world.publish('set', { a_1: 'a1', b_1: 'b1', a_2: 'a2', b_2: 'b2' });
    writeFileSync(join(world.published, 'set/b_2'), 'something else');
    const result = await world.run(['apply', 'set']);
    expect(result.stderr).toContain('hash mismatch');
    expect(result.status).toBe(11);
    expect(world.names(directory)).toEqual(['a_1', 'b_1']);
    writeFileSync(join(world.published, 'set/b_2'), 'b2');
    await apply('set');
    expect(world.names(directory)).toEqual(['a_1', 'a_2', 'b_1', 'b_2']);
  });

  it('an incomplete version is repaired in place', async () => {
    rmSync(join(world.root, directory, 'a_2'));
    expect((await world.run(['list', 'set', '2', '--json=short'])).json().components[0]?.versions[0]).toMatchObject({
      incomplete: true,
      installed: true,
    });
    const before = statSync(join(world.root, directory, 'b_2')).ino;
    await apply('set');
    expect(world.read(`${directory}/a_2`)).toBe('a2');
    expect(statSync(join(world.root, directory, 'b_2')).ino, 'what was there stays').toBe(before);
  });

  it('a file in the place of a directory, and a directory in the place of a file, make way', async () => {
    define('turned', {
      file: {
        Source: { Type: 'regular-file', Path: '/srv/turned', MatchPattern: 'f_@v' },
        Target: { Type: 'regular-file', Path: '/opt/turned', MatchPattern: 'f_@v' },
      },
      tree: {
        Source: { Type: 'directory', Path: '/srv/turned', MatchPattern: 't_@v' },
        Target: { Type: 'directory', Path: '/opt/turned', MatchPattern: 't_@v' },
      },
    });
    world.write('srv/turned/f_1', 'file');
    world.write('srv/turned/t_1/inner', 'tree');
    world.write('opt/turned/f_1/inner', 'no file');
    world.write('opt/turned/t_1', 'no tree');
    await apply('turned');
    expect(world.read('opt/turned/f_1')).toBe('file');
    expect(world.read('opt/turned/t_1/inner')).toBe('tree');
  });

  it('what nothing shows goes with what a link of the same set shows', async () => {
    const mixed = (name: string, more: Settings = {}) => ({
      Transfer: { Verify: 'no' },
      Source: { Type: 'url-file', Path: `${world.server.url}/mixed`, MatchPattern: `${name}_@v` },
      Target: { Type: 'regular-file', Path: `/opt/mixed-${name}`, ...more },
    });
    define('mixed', { a: mixed('a'), b: mixed('b', { CurrentSymlink: 'b' }) });
    await world.publish('mixed', { a_1: 'a1', b_1: 'b1' });
    await apply('mixed');
    await world.publish('mixed', { a_1: 'a1', b_1: 'b1', a_2: 'a2', b_2: 'b2' });
    await apply('mixed');
    // The newest is incomplete, and nobody offers it any more.
    rmSync(join(world.root, 'opt/mixed-b/b_2'));
    await world.publish('mixed', { a_1: 'a1', b_1: 'b1' });
    expect((await world.run(['reset-floor', 'mixed'])).status).toBe(0);
    await apply('mixed');
    expect(world.link('opt/mixed-b/b')).toBe('b_1');
    const [component] = (await world.run(['check', 'mixed', '--json=short'])).json().components;
    expect(component).toMatchObject({ current: '1', candidate: null });
  });

  it('a transfer that a feature turns on is filled in at the version that is there', async () => {
    define('set', { a: one('a'), b: one('b'), c: one('c', {}, { Features: 'extra' }) });
    world.write('etc/sysupdate.set.d/extra.feature', '[Feature]\nEnabled=yes\n');
    await world.publish('set', { a_2: 'a2', b_2: 'b2', c_2: 'c2' });
    await apply('set');
    expect(world.names(directory)).toEqual(['a_1', 'a_2', 'b_1', 'b_2', 'c_2']);
  });

  it('turning the feature off removes its instances at the next run, and nothing else', async () => {
    world.write(`${directory}/other.txt`, 'a bystander');
    world.write('etc/sysupdate.set.d/extra.feature', '[Feature]\nEnabled=no\n');
    await apply('set');
    expect(world.names(directory)).toEqual(['a_1', 'a_2', 'b_1', 'b_2', 'other.txt']);
  });

  it('turning all of a component off hides and removes what is visible', async () => {
    define('off', {
      one: {
        Transfer: { Features: 'wanted' },
        Source: { Type: 'regular-file', Path: '/srv/off', MatchPattern: 'off_@v.raw' },
        Target: { Type: 'regular-file', Path: '/var/lib/extensions/off.raw.v' },
      },
    });
    world.write('etc/sysupdate.off.d/wanted.feature', '[Feature]\nEnabled=yes\n');
    world.write('srv/off/off_1.raw', extensionImage({ name: 'off' }));
    world.write('srv/off/off_2.raw', extensionImage({ name: 'off', files: { 'usr/two': '2' } }));
    await apply('off');
    expect(world.names('var/lib/extensions/off.raw.v')).toContain('off_2.raw');
    world.write('etc/sysupdate.off.d/wanted.feature', '[Feature]\nEnabled=no\n');
    expect((await world.run(['apply'])).stdout).toContain('off');
    const left = readdirSync(join(world.root, 'var/lib/extensions/off.raw.v'), { recursive: true });
    expect(left).toEqual(['.parked']);
    expect(existsSync(join(world.root, 'srv/off/off_2.raw')), 'the source is not ours').toBe(true);
  });
});

describe('attributes of new versions', () => {
  it.each([
    ['Mode= before @m', { MatchPattern: 'f_@v_@m' }, { Mode: '0600' }, 'f_1_644', 0o600],
    ['@m', { MatchPattern: 'f_@v_@m' }, {}, 'f_1_640', 0o640],
    ['ReadOnly=yes', { MatchPattern: 'f_@v' }, { ReadOnly: 'yes' }, 'f_1', 0o444],
    ['@r', { MatchPattern: 'f_@v_@r' }, { Mode: '0664' }, 'f_1_1', 0o444],
  ])('%s decides the mode', async (name, source, target, file, mode) => {
    const component = `mode${name.replace(/\W/g, '')}`;
    mkdirSync(join(world.root, 'srv', component), { recursive: true });
    define(component, {
      one: {
        Source: { Type: 'regular-file', Path: `/srv/${component}`, ...source },
        Target: { Type: 'regular-file', Path: `/opt/${component}`, MatchPattern: 'f_@v', ...target },
      },
    });
    world.write(`srv/${component}/${file}`, 'x');
    execFileSync('chmod', ['644', join(world.root, 'srv', component, file)]);
    await apply(component);
    expect(statSync(join(world.root, 'opt', component, 'f_1')).mode & 0o7777).toBe(mode);
  });

  it('@t and @m of the target name are filled in from the file where the source name does not tell them', async () => {
    define('names', {
      one: {
        Source: { Type: 'regular-file', Path: '/srv/names', MatchPattern: 'f_@v' },
        Target: { Type: 'regular-file', Path: '/opt/names', MatchPattern: 'f_@v_@t_@m' },
      },
    });
    world.write('srv/names/f_1', 'x');
    const file = join(world.root, 'srv/names/f_1');
    execFileSync('chmod', ['640', file]);
    utimesSync(file, 1_500_000_000, 1_500_000_000);
    await apply('names');
    expect(world.names('opt/names')).toEqual(['f_1_1500000000000000_640']);
  });

  it('@h of a local file is held against its content', async () => {
    define('hashed', {
      one: {
        Source: { Type: 'regular-file', Path: '/srv/hashed', MatchPattern: 'f_@v_@h' },
        Target: { Type: 'regular-file', Path: '/opt/hashed', MatchPattern: 'f_@v' },
      },
    });
    world.write(`srv/hashed/f_1_${'0'.repeat(63)}1`, 'x');
    const result = await world.run(['apply', 'hashed']);
    expect(result.stderr).toContain('hash mismatch');
    expect(result.status).toBe(11);
    expect(world.names('opt/hashed')).toEqual([]);
  });

  it('ReadOnly=yes makes a directory immutable, which is undone to remove it', async () => {
    define('fixed', {
      one: {
        Source: { Type: 'directory', Path: '/srv/fixed', MatchPattern: 'd_@v' },
        Target: { Type: 'directory', Path: '/opt/fixed', MatchPattern: 'd_@v', ReadOnly: 'yes', InstancesMax: '2' },
      },
    });
    for (const version of ['1', '2', '3']) {
      world.write(`srv/fixed/d_${version}/file`, version);
      await apply('fixed');
    }
    expect(world.names('opt/fixed')).toEqual(['d_2', 'd_3']);
    expect(() => writeFileSync(join(world.root, 'opt/fixed/d_3/new'), '')).toThrow('EPERM');
    execFileSync('chattr', ['-i', join(world.root, 'opt/fixed/d_2'), join(world.root, 'opt/fixed/d_3')]);
  });
});

describe('archives', () => {
  /** Packs a directory below the root, with the files of a sysext in it. */
  const pack = (tree: string, archive: string, ...options: string[]) => {
    mkdirSync(dirname(archive), { recursive: true });
    execFileSync('tar', ['--create', ...options, '--file', archive, '-C', join(world.root, tree), '.']);
  };

  it('a tar source fills a directory target, whatever it is compressed with', async () => {
    define('tar', {
      one: {
        Source: {
          Type: 'tar',
          Path: '/srv/tar',
          MatchPattern: ['t_@v.tar', 't_@v.tar.bz2', 't_@v.tgz', 't_@v.tar.lz4'],
        },
        Target: { Type: 'directory', Path: '/opt/tar', MatchPattern: 't_@v', InstancesMax: '9' },
      },
    });
    world.write('tree/bin/run', 'text');
    pack('tree', join(world.root, 'srv/tar/t_1.tar'));
    await apply('tar');
    pack('tree', join(world.root, 'srv/tar/t_2.tar.bz2'), '--bzip2');
    await apply('tar');
    pack('tree', join(world.root, 'srv/tar/t_3.tgz'), '--gzip');
    await apply('tar');
    pack('tree', join(world.root, 'srv/tar/t_4.tar.lz4'), '--use-compress-program=lz4');
    await apply('tar');
    expect(world.names('opt/tar')).toEqual(['t_1', 't_2', 't_3', 't_4']);
    for (const name of world.names('opt/tar')) expect(world.read(`opt/tar/${name}/bin/run`)).toBe('text');
  });

  it('brings mode and time of its tree along, whatever those of the archive are; Mode= goes before', async () => {
    const define1 = (target: Settings) =>
      define('kept', {
        one: {
          Source: { Type: 'tar', Path: '/srv/kept', MatchPattern: 'k_@v_@t_@m.tar' },
          Target: { Type: 'directory', Path: '/opt/kept', MatchPattern: 'k_@v', ...target },
        },
      });
    const stat = (name: string) => statSync(join(world.root, 'opt/kept', name));
    world.write('kept/file', 'text');
    execFileSync('chmod', ['0751', join(world.root, 'kept')]);
    utimesSync(join(world.root, 'kept'), 1_000_000_000, 1_000_000_000);
    pack('kept', join(world.root, 'srv/kept/k_1_1600000000000000_600.tar'));
    define1({});
    await apply('kept');
    expect(stat('k_1').mode & 0o7777).toBe(0o751);
    expect(stat('k_1').mtimeMs).toBe(1_000_000_000_000);
    pack('kept', join(world.root, 'srv/kept/k_2_1600000000000000_600.tar'));
    define1({ Mode: '0700' });
    await apply('kept');
    expect(stat('k_2').mode & 0o7777).toBe(0o700);
  });

  it('a url-tar source becomes a directory extension; one that does not fit is passed over in the same run', async () => {
    define('urltar', {
      one: {
        Source: { Type: 'url-tar', Path: `${world.server.url}/urltar`, MatchPattern: 'e_@v.tar.gz' },
        Target: { Type: 'directory', Path: '/var/lib/extensions/e.v', MatchPattern: 'e_@v' },
      },
    });
    writeTree('trees/good', 'e', 'fits');
    writeTree('trees/bad', 'other', 'has the wrong name');
    pack('trees/good', join(world.published, 'packed/e_1.tar.gz'), '--gzip');
    pack('trees/bad', join(world.published, 'packed/e_2.tar.gz'), '--gzip');
    await world.publish('urltar', {
      'e_1.tar.gz': readFileSync(join(world.published, 'packed/e_1.tar.gz')),
      'e_2.tar.gz': readFileSync(join(world.published, 'packed/e_2.tar.gz')),
    });
    await apply('urltar');
    expect(world.names('var/lib/extensions/e.v')).toEqual(['.parked', 'e_1']);
    expect(world.names('var/lib/extupdate/unpacked')).toEqual([]);
    expect(world.read('var/lib/extensions/e.v/e_1/usr/share/e')).toBe('fits');
    expect((await world.run(['why', 'urltar'])).stdout).toContain('its release file is named other');
  });

  it('a hostile archive is refused with status 13 and the entry, and nothing is written outside', async () => {
    define('evil', {
      one: {
        Source: { Type: 'tar', Path: '/srv/evil', MatchPattern: 't_@v.tar' },
        Target: { Type: 'directory', Path: '/opt/evil', MatchPattern: 't_@v' },
      },
    });
    world.write('tree/bin/run', 'text');
    mkdirSync(join(world.root, 'srv/evil'), { recursive: true });
    const archive = join(world.root, 'srv/evil/t_1.tar');
    execFileSync('tar', ['-cPf', archive, '--transform=s,^,../../,', 'bin/run'], { cwd: join(world.root, 'tree') });
    const result = await world.run(['apply', 'evil']);
    expect(result.stderr).toContain('../../bin/run');
    expect(result.status).toBe(13);
    expect(world.names('opt/evil')).toEqual([]);
    expect(world.names('bin')).toEqual([]);
    expect(readFileSync(archive).length, 'the source is not ours to remove').toBeGreaterThan(0);
  });
});
