/** systemd.md 1.6: wildcards, pure; and specifiers, as the program expands them for a tree. */
import { hostname, machine, release } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isVersion } from '../../../src/version/compare.ts';
import { formatPattern, matchPattern, matchPatterns, parsePattern } from '../../../src/version/pattern.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

const uuid = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
const hash = 'ab'.repeat(32);
const match = (pattern: string, name: string) => matchPattern(parsePattern(pattern), name);

describe('systemd.md 1.6: wildcards', () => {
  it.each([
    ['@v, mandatory', 'a_@v', 'a_1', { version: '1' }],
    ['@u: a UUID', '@v_@u', `1_${uuid}`, { uuid }],
    ['@u: with dashes', '@v_@u', '1_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0', { uuid }],
    ['@f: hex', '@v_@f', '1_1000000000000001', { flags: 0x1000000000000001n }],
    ['@a: 1', '@v_@a', '1_1', { noAuto: true }],
    ['@g: any boolean word', '@v_@g', '1_off', { growFileSystem: false }],
    ['@r: any boolean word', '@v_@r', '1_yes', { readOnly: true }],
    ['@t: microseconds', '@v_@t', '1_1500000000000000', { mtime: 1500000000000000n }],
    ['@m: octal', '@v_@m', '1_0755', { mode: 0o755 }],
    ['@m: up to 775', '@v_@m', '1_775', { mode: 0o775 }],
    ['@s: size', '@v_@s', '1_1048576', { size: 1048576 }],
    ['@d and @l: tries', '@v+@l-@d', '1+3-2', { triesLeft: 3, triesDone: 2 }],
    ['@h: 64 hex digits', '@v_@h', `1_${hash}`, { sha256: hash }],
    ['@h: either case', '@v_@h', `1_${hash.toUpperCase()}`, { sha256: hash }],
    ['@@: "@"', 'a@@@v', 'a@1', { version: '1' }],
  ])('%s', (_, pattern, name, fields) => {
    expect(match(pattern, name)).toEqual({ version: '1', ...fields });
  });

  it.each([
    ['@u: too short', '@v_@u', `1_${uuid.slice(1)}`],
    ['@f: no hex', '@v_@f', '1_xyz'],
    ['@a: no boolean', '@v_@a', '1_perhaps'],
    ['@m: more than 775', '@v_@m', '1_777'],
    ['@m: no octal', '@v_@m', '1_8'],
    ['@t: no number', '@v_@t', '1_today'],
    ['@l: no number', '@v+@l', '1+three'],
    ['@h: 63 digits', '@v_@h', `1_${hash.slice(1)}`],
    ['the whole name has to match (#38605)', 'a_@v.raw', 'a_1.raw.sha256'],
    ['a field ends at the first occurrence of the next literal, and nothing is tried again', 'a_@v-x', 'a_1-x-x'],
    ['a field is never empty', 'a_@v.raw', 'a_.raw'],
    ['a field does not span directories', 'a_@v', 'a_1/2'],
  ])('no match: %s', (_, pattern, name) => {
    expect(match(pattern, name)).toBeUndefined();
  });

  it('a pattern may have letters that are not ASCII', () => {
    expect(match('ä_@v', 'ä_1')).toEqual({ version: '1' });
  });

  it('the last wildcard takes all that is left', () => {
    expect(match('foo_@v', 'foo_1.raw')).toEqual({ version: '1.raw' });
  });

  it.each([
    ['a pattern without @v', 'a_@u'],
    ['a wildcard that stands twice', '@v_@v'],
    ['two wildcards with nothing in between', '@v@u'],
    ['an unknown wildcard', '@v_@z'],
    ...[...'$*?[]!\\|'].map((character) => [`the character ${character}`, `a${character}_@v`]),
    ['a control character', 'a\t_@v'],
    ['more than 255 bytes', `${'a'.repeat(254)}@v`],
    ['a trailing "/" (#42895)', '@v/'],
  ])('refused: %s', (_, pattern = '') => {
    expect(() => parsePattern(pattern)).toThrow();
  });

  it('two wildcards may have a "/" in between; it descends one directory', () => {
    expect(match('@v/@u', `1/${uuid}`)).toEqual({ version: '1', uuid });
    expect(match('@v/@u', `x/1/${uuid}`)).toBeUndefined();
  });

  it('**/ matches the last part of the name at any depth, and stands at the beginning only', () => {
    expect(match('**/f_@v', 'f_1')).toEqual({ version: '1' });
    expect(match('**/f_@v', 'a/b/c/f_1')).toEqual({ version: '1' });
    expect(() => parsePattern('a/**/f_@v')).toThrow('"*"');
  });

  it('patterns of a list are tried in order', () => {
    const patterns = ['a_@v_@l', 'a_@v'].map((text) => parsePattern(text));
    expect(matchPatterns(patterns, 'a_1_3')).toEqual({ version: '1', triesLeft: 3 });
    expect(matchPatterns(patterns.toReversed(), 'a_1_3')).toEqual({ version: '1_3' });
  });

  it.each([
    ['@a @g @r: 0 or 1', '@v_@a_@g_@r', { noAuto: true, growFileSystem: false, readOnly: true }, '1_1_0_1'],
    ['@m: octal', '@v_@m', { mode: 0o640 }, '1_640'],
    ['@f: hex', '@v_@f', { flags: 255n }, '1_ff'],
    ['@u: with dashes', '@v_@u', { uuid }, '1_0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'],
    ['@@: "@"', '@@@v', {}, '@1'],
  ])('written: %s', (_, pattern, fields, name) => {
    expect(formatPattern(parsePattern(pattern), { version: '1', ...fields })).toBe(name);
  });
});

describe('systemd.md 1.6: characters of versions', () => {
  it.each(['1', '1.2.3-4', '1~rc1', '1^git2', 'v1.2+k3s1', 'a_b', '0'])('%s', (text) => {
    expect(isVersion(text)).toBe(true);
  });

  it.each(['', '1:2', '1/2', '1 2', 'é', '1,2', '1=2', '.', '..'])('not %j', (text) => {
    expect(isVersion(text)).toBe(false);
  });

  it('of files with equal versions the first after a sort counts, and 1.0 and 1.00 are two texts', async () => {
    const world = await makeWorld();
    try {
      for (const [name, content] of Object.entries({ 'b/f_1.0': 'b', 'a/f_1.0': 'a', 'a/f_1.00': '0' }))
        world.write(`srv/${name}`, content);
      const Source = { Type: 'regular-file', Path: '/srv', MatchPattern: '**/f_@v' };
      world.write('etc/sysupdate.x.d/x.transfer', definition({ Source, Target: { Path: '/opt/x' } }));
      expect((await world.run(['apply', 'x@1.0'])).status).toBe(0);
      expect([world.names('opt/x'), world.read('opt/x/f_1.0')]).toEqual([['f_1.0'], 'a']);
    } finally {
      await world.close();
    }
  });
});

describe('systemd.md 1.6: specifiers', () => {
  const osRelease = {
    ID: 'tos',
    VERSION_ID: '1.10',
    VARIANT_ID: 'server',
    IMAGE_ID: 'image',
    IMAGE_VERSION: '7',
    BUILD_ID: '20260101',
  };
  const architecture = { x86_64: 'x86-64', aarch64: 'arm64' }[machine()] ?? machine();
  const rows: readonly (readonly [string, string, string | RegExp])[] = [
    ['%a', 'the architecture', architecture],
    ['%A', 'IMAGE_VERSION=', '7'],
    ['%b', 'the boot id', /^[0-9a-f]{32}$/],
    ['%B', 'BUILD_ID=', '20260101'],
    ['%H', 'the host name of the tree', 'box.example'],
    ['%l', 'the same up to the first dot', 'box'],
    ['%m', 'the machine id of the tree', uuid],
    ['%M', 'IMAGE_ID=', 'image'],
    ['%o', 'ID=', 'tos'],
    ['%q', 'the pretty host name', 'Box'],
    ['%v', 'the kernel', release()],
    ['%w', 'VERSION_ID=', '1.10'],
    ['%W', 'VARIANT_ID=', 'server'],
    ['%%', 'a percent sign', '%'],
  ];
  let world: World;
  let found: Map<string, string | null>;
  let links: Map<string, string | undefined>;

  beforeAll(async () => {
    world = await makeWorld();
    world.setOs(osRelease);
    world.write('etc/hostname', 'box.example\n');
    world.write('etc/machine-id', `${uuid}\n`);
    world.write('etc/machine-info', 'PRETTY_HOSTNAME=Box\n');
    world.write('srv/any/f_1', '');
    for (const [index, [specifier]] of rows.entries()) {
      const CurrentSymlink = `/links/${index}/x${specifier}x`;
      world.write(
        `etc/sysupdate.s${index}.d/a.transfer`,
        definition({
          Source: { Type: 'regular-file', Path: '/srv/any', MatchPattern: 'f_@v' },
          Target: { Path: `/opt/${index}`, MatchPattern: `f_@v+${specifier}+`, CurrentSymlink },
        }),
      );
    }
    // One in every setting that takes them, and one that this OS does not set.
    world.write('srv/tos/g-tos_2', '');
    world.write('srv/tos/g-tos_1', '');
    world.write(
      'etc/sysupdate.settings.d/a.transfer',
      definition({
        Transfer: { MinVersion: '%w', ProtectVersion: '%A', ChangeLog: 'https://%o/@v' },
        Source: { Type: 'regular-file', Path: '/srv/%o', MatchPattern: 'g-%o_@v' },
        Target: { Path: '/opt/%M' },
      }),
    );
    const result = await world.run(['apply', '--json=short']);
    expect([result.status, result.json().errors]).toEqual([0, []]);
    found = new Map(
      rows.map((_, index) => [String(index), world.names(`opt/${index}`)[0]?.slice('f_1+'.length, -1) ?? null]),
    );
    links = new Map(rows.map((_, index) => [String(index), world.names(`links/${index}`)[0]?.slice(1, -1)]));
  });
  afterAll(() => world.close());

  it.each(rows)('%s: %s, in MatchPattern= and CurrentSymlink=', (specifier, _, expected) => {
    const index = String(rows.findIndex(([one]) => one === specifier));
    expect(found.get(index)).toEqual(expected instanceof RegExp ? expect.stringMatching(expected) : expected);
    expect(links.get(index)).toBe(found.get(index));
    expect(expected).not.toBe(hostname());
  });

  it.each([
    ['%T', '/tmp'],
    ['%V', '/var/tmp'],
  ])('%s: the directory %s, in Path=', async (specifier, directory) => {
    const name = specifier === '%T' ? 'small' : 'large';
    world.write(`${directory.slice(1)}/${name}/f_1`, name);
    const Source = { Type: 'regular-file', Path: `${specifier}/${name}`, MatchPattern: 'f_@v' };
    world.write(`etc/sysupdate.${name}.d/a.transfer`, definition({ Source, Target: { Path: `/opt/${name}` } }));
    expect((await world.run(['apply', name])).status).toBe(0);
    expect(world.read(`opt/${name}/f_1`)).toBe(name);
  });

  it('are expanded in MinVersion=, ProtectVersion=, Path=, MatchPattern= and URLs', async () => {
    expect(world.names('opt/image')).toEqual(['g-tos_2']);
    const { stdout } = await world.run(['list', 'settings', '1', '--json=short']);
    expect(JSON.parse(stdout)).toMatchObject({ obsolete: true, changelogUrls: ['https://tos/1'] });
  });

  it('of a field that is not set are empty, which changes what a pattern means', async () => {
    world.setOs({ ID: 'tos' });
    world.write('srv/unset/f_1_', '');
    world.write('srv/unset/f_1_43', '');
    const Source = { Type: 'regular-file', Path: '/srv/unset', MatchPattern: 'f_@v_%w' };
    world.write('etc/sysupdate.unset.d/a.transfer', definition({ Source, Target: { Path: '/opt/unset' } }));
    const { components } = (await world.run(['list', 'unset', '--json=short'])).json();
    expect(components[0]?.versions.map(({ version }) => version)).toEqual(['1']);
  });
});
