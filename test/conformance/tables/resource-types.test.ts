/** systemd.md 1.5: which source fills which target, and what becomes of the bytes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sourceTraits } from '../../../src/source/source-types.ts';
import { sourceTypes, targetTypes } from '../../../src/types.ts';
import { definition, makeWorld, type RunResult, type World } from '../../support/world.ts';

let world: World;
let result: RunResult;

function define(name: string, source: Record<string, string>, target: Record<string, string> = {}): void {
  world.write(
    `etc/sysupdate.${name}.d/a.transfer`,
    definition({
      Transfer: { Verify: 'no' },
      Source: { Path: `/srv/${name}`, MatchPattern: 'f_@v', ...source },
      Target: { Path: `/opt/${name}`, MatchPattern: 'f_@v', ...target },
    }),
  );
}

/** Programs that compress, with what makes them write a stream. */
const compressors = { xz: '-c', gzip: '-c', bzip2: '-c', zstd: '-c', lz4: '-c' } as const;
const isInstalled = (program: string) => spawnSync(program, ['--version']).error === undefined;
const content = 'content of a file that is compressed\n'.repeat(100);
const compress = (program: string) => execFileSync(program, ['-c'], { input: content });

beforeAll(async () => {
  world = await makeWorld();
  const atServer = (name: string) => ({ Path: `${world.server.url}/${name}` });
  await world.publish('file', { f_1: 'from a server' });
  define('url-file', { Type: 'url-file', ...atServer('file') });
  world.write('srv/regular-file/f_1', 'from a file');
  define('regular-file', { Type: 'regular-file' });
  world.write('srv/directory/f_1/a/b', 'from a tree');
  define('directory', { Type: 'directory' });

  // Modes of an archive are its own, whatever Mode= says.
  world.write('srv/packing/bin/run', 'from an archive');
  chmodSync(join(world.root, 'srv/packing/bin/run'), 0o4750);
  const pack = (option: string) =>
    execFileSync('tar', ['-c', option, '-C', join(world.root, 'srv/packing'), '.'], { encoding: 'buffer' });
  await world.publish('archive', { 'f_1.tar.xz': pack('-J') });
  define('url-tar', { Type: 'url-tar', ...atServer('archive'), MatchPattern: 'f_@v.tar.xz' }, { Mode: '0600' });
  world.write('srv/tar/f_1.tar', pack('--no-auto-compress'));
  define('tar', { Type: 'tar', MatchPattern: 'f_@v.tar' }, { Mode: '0600' });

  const packed = Object.keys(compressors).filter(isInstalled);
  await world.publish('packed', Object.fromEntries(packed.map((name) => [`${name}_1`, compress(name)])));
  for (const name of packed) {
    // Nothing in the name tells that it is compressed.
    define(`${name}-url`, { Type: 'url-file', ...atServer('packed'), MatchPattern: `${name}_@v` });
    mkdirSync(join(world.root, `srv/${name}-local`), { recursive: true });
    writeFileSync(join(world.root, `srv/${name}-local/f_1`), compress(name));
    define(`${name}-local`, { Type: 'regular-file' });
  }

  // Not instances: a link, a directory among files, a file among directories, what is still being written.
  world.write('srv/kinds/f_1', '');
  world.write('srv/kinds/f_5/x', '');
  world.write('srv/kinds/.sysupdate.partial.f_4', '');
  symlinkSync('f_1', join(world.root, 'srv/kinds/f_6'));
  define('kinds', { Type: 'regular-file' });
  define('missing', { Type: 'regular-file' });
  result = await world.run(['apply', '--json=short']);
});
afterAll(() => world.close());

const reasonOf = (name: string) => result.json().errors.find(({ component }) => component === name);

describe('systemd.md 1.5: sources and targets', () => {
  it.each([
    ['url-file', ['regular-file', 'partition']],
    ['regular-file', ['regular-file', 'partition']],
    ['url-tar', ['directory', 'subvolume']],
    ['tar', ['directory', 'subvolume']],
    ['directory', ['directory', 'subvolume']],
    ['subvolume', ['directory', 'subvolume']],
  ] as const)('%s goes to %j, and to nothing else', (source, targets) => {
    expect(sourceTypes).toContain(source);
    expect(targetTypes.filter((target) => sourceTraits[source].targets.includes(target)).sort()).toEqual(
      [...targets].sort(),
    );
  });

  it('a target that the source cannot fill is a mistake, with what can be', async () => {
    const own = await makeWorld();
    try {
      for (const [source, target] of [
        ['url-file', 'directory'],
        ['regular-file', 'subvolume'],
        ['directory', 'regular-file'],
        ['tar', 'partition'],
      ] as const) {
        const Source = { Type: source, Path: source === 'url-file' ? own.server.url : '/srv', MatchPattern: 'f_@v' };
        own.write(
          `etc/sysupdate.${source}.d/a.transfer`,
          definition({ Source, Target: { Type: target, Path: '/opt/x' } }),
        );
      }
      const listed = await own.run(['list', '--json=short']);
      expect(listed.status).toBe(3);
      expect(
        listed.json().errors.map(({ component, message }) => [component, message.split('Type=: ').at(-1)]),
      ).toEqual([
        ['directory', 'a directory source cannot fill a regular-file target; allowed: directory, subvolume'],
        ['regular-file', 'a regular-file source cannot fill a subvolume target; allowed: regular-file, partition'],
        ['tar', 'a tar source cannot fill a partition target; allowed: directory, subvolume'],
        ['url-file', 'a url-file source cannot fill a directory target; allowed: regular-file, partition'],
      ]);
    } finally {
      await own.close();
    }
  });

  it.each([
    ['url-file', 'f_1', 'from a server'],
    ['regular-file', 'f_1', 'from a file'],
    ['directory', 'f_1/a/b', 'from a tree'],
    ['url-tar', 'f_1/bin/run', 'from an archive'],
    ['tar', 'f_1/bin/run', 'from an archive'],
  ])('%s fills its target', (name, file, text) => {
    expect(world.read(`opt/${name}/${file}`)).toBe(text);
  });

  it.each(['url-tar', 'tar'])('%s keeps the modes of the archive', (name) => {
    expect(lstatSync(join(world.root, `opt/${name}/f_1/bin/run`)).mode & 0o7777).toBe(0o4750);
  });
});

describe('systemd.md 1.5: compression is always undone, whatever the name', () => {
  it.each(Object.keys(compressors))('%s, from a server and from a file', (program) => {
    if (!isInstalled(program)) {
      console.warn(`skipped: ${program} is not installed`);
      return;
    }
    expect(world.read(`opt/${program}-local/f_1`)).toBe(content);
    expect(world.read(`opt/${program}-url/f_1`)).toBe(content);
  });

  it('the hash is that of the compressed bytes', async () => {
    const packed = compress('gzip');
    await world.publish('hashed', { 'f_1.gz': packed });
    define('hashed', { Type: 'url-file', Path: `${world.server.url}/hashed`, MatchPattern: 'f_@v.gz' });
    // The same content, compressed otherwise.
    const other = execFileSync('gzip', ['-1', '-c'], { input: content });
    expect(other.equals(packed)).toBe(false);
    writeFileSync(join(world.published, 'hashed/f_1.gz'), other);
    const refused = await world.run(['apply', 'hashed']);
    expect([refused.status, refused.stderr]).toEqual([11, expect.stringContaining('hash mismatch')]);
    writeFileSync(join(world.published, 'hashed/f_1.gz'), packed);
    expect((await world.run(['apply', 'hashed'])).status).toBe(0);
    expect(readFileSync(join(world.root, 'opt/hashed/f_1'), 'utf8')).toBe(content);
  });
});

describe('systemd.md 1.5: what a local source offers', () => {
  it('regular files, or directories; no links, nothing that is being written', () => {
    const kinds = result.json().components.find(({ name }) => name === 'kinds');
    expect(kinds?.versions.map(({ version }) => version)).toEqual(['1']);
    expect(lstatSync(join(world.root, 'opt/kinds/f_1')).isFile()).toBe(true);
  });

  it('a directory that is not there offers nothing, and is no failure', () => {
    expect(reasonOf('missing')).toBeUndefined();
    expect(result.json().components.find(({ name }) => name === 'missing')?.versions).toEqual([]);
    expect([result.status, result.json().errors]).toEqual([0, []]);
  });
});

it('systemd.md 1.5: unlike in systemd, a download keeps no user.source_url, and no time of Last-Modified', () => {
  const file = join(world.root, 'opt/url-file/f_1');
  expect(spawnSync('getfattr', ['--absolute-names', '-d', file], { encoding: 'utf8' }).stdout).toBe('');
  const published = statSync(join(world.published, 'file/f_1')).mtimeMs;
  expect(statSync(file).mtimeMs).toBeGreaterThan(published);
});
