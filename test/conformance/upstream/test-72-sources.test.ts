/** TEST-72-SYSUPDATE.sh: what servers and directories offer (cases 10, 23, 24, 25). What is left out: test-72-story. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, publish, sha256, sign, type TestKey } from '../../support/repository.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

function define(
  name: string,
  source: Record<string, string>,
  target: Record<string, string> = {},
  Verify = 'no',
): void {
  world.write(
    `etc/sysupdate.${name}.d/f.transfer`,
    definition({
      Transfer: { Verify },
      Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: 'f-@v', ...source },
      Target: { Path: `/opt/${name}`, MatchPattern: 'f-@v', ...target },
    }),
  );
}

const apply = (name: string, ...args: string[]) => world.run(['apply', name, ...args]);

describe('TEST-72 case 10: best-before', () => {
  const inMonths = (months: number) => {
    const date = new Date();
    date.setUTCMonth(date.getUTCMonth() + months, 1);
    return date.toISOString().slice(0, 10);
  };
  const listed = (name: string) => `${sha256('')} *${name}`;

  it('a list that was best last month is refused, whoever signed it', async () => {
    define('stale', {}, {}, 'yes');
    await world.publish('stale', { 'f-7': 'seven' }, { extraLines: [listed(`BEST-BEFORE-${inMonths(-1)}`)] });
    const result = await apply('stale');
    expect([result.status, result.stderr]).toEqual([12, expect.stringContaining('stale')]);
    expect(world.names('opt/stale')).toEqual([]);
  });

  it.each([
    ['next month', [`BEST-BEFORE-${inMonths(1)}`]],
    [
      'today: the day itself is still good (systemd refuses all of it)',
      [`BEST-BEFORE-${new Date().toISOString().slice(0, 10)}`],
    ],
    ['no date', []],
  ])('%s is accepted, over file:// too', async (_, names) => {
    define('fresh', { Path: `file://${world.published}/fresh` }, {}, 'yes');
    rmSync(join(world.root, 'opt/fresh'), { recursive: true, force: true });
    await world.publish('fresh', { 'f-7': 'seven' }, { extraLines: names.map(listed) });
    expect((await apply('fresh')).status).toBe(0);
    expect(world.read('opt/fresh/f-7')).toBe('seven');
  });
});

describe('TEST-72 case 10: url-file and url-tar over file://', () => {
  it('version 7 is a file and a tree of the same release', async () => {
    world.write('srv/packing/foo/hello', 'hello 7');
    const archive = execFileSync('tar', ['-cz', '-C', join(world.root, 'srv/packing'), '.'], { encoding: 'buffer' });
    await world.publish('seven', { 'f-7': 'seven', 'f-7.tar.gz': archive });
    const Path = `file://${world.published}/seven`;
    define('seven', { Path }, {}, 'yes');
    world.write(
      'etc/sysupdate.seven.d/tree.transfer',
      definition({
        Source: { Type: 'url-tar', Path, MatchPattern: 'f-@v.tar.gz' },
        Target: { Type: 'directory', Path: '/opt/trees', MatchPattern: 'f-@v', CurrentSymlink: 'current' },
      }),
    );
    const result = await apply('seven');
    expect(result.status, result.stderr).toBe(0);
    expect(world.read('opt/seven/f-7')).toBe('seven');
    expect(world.read('opt/trees/current/foo/hello')).toBe('hello 7');
  });
});

describe('TEST-72 case 23: signatures', () => {
  let other: TestKey;
  const ring = (path: string) => join(world.root, path);
  const etc = 'etc/systemd/import-pubring.pgp';
  const vendor = 'usr/lib/systemd/import-pubring.pgp';

  beforeAll(async () => {
    other = await makeKey();
    define('signed', {}, {}, 'yes');
  });
  afterAll(() => {
    rmSync(ring(vendor), { force: true });
    writeFileSync(ring(etc), world.key.binaryPublicKey);
  });

  it('a good key: installed', async () => {
    await world.publish('signed', { 'f-1': 'one' });
    expect((await apply('signed')).status).toBe(0);
    expect(world.names('opt/signed')).toEqual(['f-1']);
  });

  it('a key that is not in the ring: refused, and nothing is installed', async () => {
    await publish(join(world.published, 'signed'), { 'f-1': 'one', 'f-2': 'two' }, { key: other });
    expect((await apply('signed')).status).toBe(11);
    expect(world.names('opt/signed')).toEqual(['f-1']);
  });

  it('the ring of the vendor is used beside that of the admin', async () => {
    world.write(vendor, other.binaryPublicKey);
    expect((await apply('signed')).status).toBe(0);
    expect(world.names('opt/signed')).toEqual(['f-1', 'f-2']);
    await world.publish('signed', { 'f-2': 'two', 'f-3': 'three' });
    expect((await apply('signed')).status).toBe(0);
  });

  it('a ring of the older name, .gpg, is read where there is no .pgp', async () => {
    rmSync(ring(vendor));
    rmSync(ring(etc));
    const without = await world.run(['check', 'signed']);
    expect([without.status, without.stderr]).toEqual([3, expect.stringContaining('no keyring')]);
    world.write('etc/systemd/import-pubring.gpg', world.key.binaryPublicKey);
    expect((await world.run(['check', 'signed'])).status).toBe(0);
    rmSync(ring('etc/systemd/import-pubring.gpg'));
  });

  it('--keyring= takes the place of all rings', async () => {
    world.write(etc, world.key.binaryPublicKey);
    const mine = join(world.root, 'other.pgp');
    writeFileSync(mine, other.armoredPublicKey);
    expect((await world.run(['check', 'signed', `--keyring=${mine}`])).status).toBe(11);
    writeFileSync(mine, world.key.armoredPublicKey);
    world.write(etc, other.binaryPublicKey);
    expect((await world.run(['check', 'signed', `--keyring=${mine}`])).status).toBe(0);
  });
});

describe('TEST-72 case 24: "**/", and names with directories', () => {
  it('"**/" finds files in any directory of a local source', async () => {
    define('any', { Type: 'regular-file', Path: '/srv/any', MatchPattern: '**/f-@v' });
    world.write('srv/any/f-1', 'one');
    world.write('srv/any/deep/down/f-2', 'two');
    expect((await apply('any')).status).toBe(0);
    expect([world.names('opt/any'), world.read('opt/any/f-2')]).toEqual([['f-2'], 'two']);
  });

  it('"**/" and literal directories find files in the list of a server', async () => {
    await world.publish('names', { 'deep/down/f-2': 'two', 'sub/f-3': 'three', 'a/b/g-4': 'four' });
    const Path = `${world.server.url}/names`;
    define('names-any', { Path, MatchPattern: '**/f-@v' });
    define('names-sub', { Path, MatchPattern: 'sub/f-@v' });
    define('names-two', { Path, MatchPattern: 'a/b/g-@v' });
    expect((await world.run(['apply', 'names-any', 'names-sub', 'names-two'])).status).toBe(0);
    expect(world.read('opt/names-any/f-3')).toBe('three');
    expect(world.read('opt/names-sub/f-3')).toBe('three');
    expect(world.read('opt/names-two/f-4')).toBe('four');
  });

  it('".." in a list is refused with its line', async () => {
    define('dots', { MatchPattern: '**/f-@v' });
    await world.publish('dots', { 'f-1': 'one' }, { extraLines: [`${sha256('x')} *sub/../../f-2`] });
    const result = await apply('dots');
    expect([result.status, result.stderr]).toEqual([11, expect.stringContaining('SHA256SUMS:2: "sub/../../f-2"')]);
  });

  it('"%2e%2e" in a list is a name like any other, and never leads out (systemd refuses the list)', async () => {
    define('percent', { MatchPattern: '**/f-@v' });
    await world.publish('percent', { 'f-1': 'one', '%2e%2e/f-2': 'two' });
    writeFileSync(join(world.published, 'f-2'), 'outside');
    expect((await apply('percent')).status).toBe(0);
    expect(world.read('opt/percent/f-2')).toBe('two');
  });
});

describe('TEST-72 case 25: the order of patterns does not decide what is found', () => {
  const files = ['sub/f-1', 'other/f-2', 'f-3'];
  const rows = [
    ['a directory, then any', 'sub/f-@v **/f-@v', ['3', '2', '1']],
    ['any, then flat', '**/f-@v f-@v', ['3', '2', '1']],
    ['a directory, then flat', 'sub/f-@v f-@v', ['3', '1']],
    ['flat, then a directory', 'f-@v sub/f-@v', ['3', '1']],
    ['a file beside a directory of the same beginning', 'f-@v f-@v/inner', ['9', '3']],
  ] as const;
  let found: Map<string, string[]>;

  beforeAll(async () => {
    await world.publish('order', Object.fromEntries([...files, 'f-9/inner'].map((name) => [name, name])));
    for (const name of [...files, 'f-9/inner']) world.write(`srv/order/${name}`, name);
    for (const [index, [, MatchPattern]] of rows.entries()) {
      const Target = { Path: `/opt/order${index}` };
      define(
        `order-url${index}`,
        { Path: `${world.server.url}/order`, MatchPattern },
        { ...Target, MatchPattern: 'u-@v' },
      );
      define(
        `order-local${index}`,
        { Type: 'regular-file', Path: '/srv/order', MatchPattern },
        { ...Target, MatchPattern: 'l-@v' },
      );
    }
    const names = rows.flatMap((_, index) => [`--component=order-url${index}`, `--component=order-local${index}`]);
    const { components } = (await world.run(['list', '--json=short', ...names])).json();
    found = new Map(components.map((one) => [one.name, one.versions.map(({ version }) => version)]));
  });

  it.each(rows)('%s (%s): in a list, and in a directory', (_, pattern, versions) => {
    const index = rows.findIndex(([, one]) => one === pattern);
    expect([found.get(`order-url${index}`), found.get(`order-local${index}`)]).toEqual([versions, versions]);
  });
});

describe('TEST-72 case 23: a signature that is no signature', () => {
  it('of another list is refused', async () => {
    define('moved', {}, {}, 'yes');
    await world.publish('moved', { 'f-1': 'one' });
    writeFileSync(join(world.published, 'moved/SHA256SUMS.gpg'), await sign('another list', [world.key]));
    expect((await apply('moved')).status).toBe(11);
  });
});
