/** systemd.md 1.4: the settings of [Transfer], [Source], .component and .feature files, by what a run does with them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VersionDocument } from '../../../src/cli/document.ts';
import { definition, makeWorld, type RunResult, type World } from '../../support/world.ts';

type Settings = Readonly<Record<string, string | readonly string[]>>;

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

/** Defines a component of one transfer from /srv/NAME to /opt/NAME, and puts files into its source. */
function define(
  name: string,
  sections: Readonly<Record<string, Settings>>,
  files: readonly string[] = ['f_1'],
  id = 'a',
): void {
  for (const file of files) world.write(`srv/${name}/${file}`, file);
  world.write(
    `etc/sysupdate.${name}.d/${id}.transfer`,
    definition({
      ...sections,
      Source: { Type: 'regular-file', Path: `/srv/${name}`, MatchPattern: 'f_@v', ...sections.Source },
      Target: { Type: 'regular-file', Path: `/opt/${name}`, ...sections.Target },
    }),
  );
}

const versions = async (name: string, ...args: string[]): Promise<readonly VersionDocument[]> =>
  (await world.run(['list', name, '--json=short', ...args])).json().components[0]?.versions ?? [];

describe('systemd.md 1.4: MinVersion=', () => {
  it('an older version is obsolete, and refused even if it is named', async () => {
    define('min', { Transfer: { MinVersion: '1.10' } }, ['f_1.9', 'f_1.10', 'f_1.11']);
    const found = await versions('min');
    expect(found.map(({ version, obsolete }) => [version, obsolete])).toEqual([
      ['1.11', false],
      ['1.10', false],
      ['1.9', true],
    ]);
    const refused = await world.run(['apply', 'min@1.9']);
    expect([refused.status, refused.stderr]).toEqual([13, expect.stringContaining('below MinVersion=1.10')]);
    expect((await world.run(['apply', 'min@1.10'])).status).toBe(0);
    expect(world.names('opt/min')).toEqual(['f_1.10']);
  });
});

describe('systemd.md 1.4: ProtectVersion=', () => {
  it('lines add up after an empty one, versions are compared as text, and count against InstancesMax=', async () => {
    const protect = ['0.1', '', '0.2', '1.0'];
    define('protect', { Transfer: { ProtectVersion: protect }, Target: { InstancesMax: '3' } }, ['f_5']);
    for (const version of ['0.1', '0.2', '1.0', '1.00', '3', '4']) world.write(`opt/protect/f_${version}`, '');
    expect((await versions('protect')).filter((one) => one.protected).map(({ version }) => version)).toEqual([
      '1.0',
      '0.2',
    ]);
    expect((await world.run(['apply', 'protect'])).status).toBe(0);
    // 0.1 was taken back, 1.00 is another text; 4 is what one could go back to.
    expect(world.names('opt/protect')).toEqual(['f_0.2', 'f_1.0', 'f_4', 'f_5']);
  });
});

describe('systemd.md 1.4: Verify=', () => {
  const from = (Verify: string) => ({
    Transfer: Verify === '' ? {} : { Verify },
    Source: { Type: 'url-file', Path: `${world.server.url}/unsigned`, MatchPattern: 'f_@v' },
  });
  const apply = (name: string, ...args: string[]) => world.run(['apply', name, ...args]);

  beforeAll(async () => {
    await world.publish('unsigned', { f_1: 'one' });
    world.server.intercept = (_, response, path) => {
      if (!path.endsWith('SHA256SUMS.gpg')) return false;
      response.writeHead(404).end();
      return true;
    };
    define('verified', from(''));
    define('unverified', from('no'));
  });
  afterAll(() => {
    world.server.intercept = undefined;
  });

  it('is yes where nothing is said', async () => {
    const result = await apply('verified');
    expect([result.status, result.stderr]).toEqual([11, expect.stringContaining('has no signature')]);
  });

  it('no does without a signature, but the payload is held against its hash', async () => {
    world.write('../published/unsigned/f_1', 'two');
    const wrong = await apply('unverified');
    expect([wrong.status, wrong.stderr]).toEqual([11, expect.stringContaining('hash mismatch')]);
    world.write('../published/unsigned/f_1', 'one');
    expect((await apply('unverified')).status).toBe(0);
  });

  it('--verify= overrides it for a run, both ways', async () => {
    expect((await world.run(['check', 'unverified', '--verify=yes'])).status).toBe(11);
    expect((await world.run(['check', 'verified', '--verify=no'])).status).toBe(0);
  });
});

describe('systemd.md 1.4: ChangeLog= and AppStream=', () => {
  it('are lists of http URLs, "@v" is the version in ChangeLog=, and what is no URL is ignored', async () => {
    const Transfer = {
      ChangeLog: ['https://a/@v/@v', 'http://b/', 'file:///c', 'nonsense'],
      AppStream: ['https://d/%o.xml', 'ftp://e/'],
    };
    define('urls', { Transfer });
    const all = JSON.parse((await world.run(['list', 'urls', '--json=short'])).stdout);
    expect(all.appstreamUrls).toEqual(['https://d/testos.xml']);
    const one = JSON.parse((await world.run(['list', 'urls', '1', '--json=short'])).stdout);
    expect(one.changelogUrls).toEqual(['https://a/1/1', 'http://b/']);
  });
});

describe('systemd.md 1.4: Features= and RequisiteFeatures=', () => {
  const rows = [
    ['any', { Features: 'off on' }, true],
    ['none', { Features: 'off unknown' }, false],
    ['all-on', { RequisiteFeatures: 'on also' }, true],
    ['one-off', { RequisiteFeatures: 'on off' }, false],
    ['both', { Features: 'off on', RequisiteFeatures: 'also' }, true],
    ['both-not', { Features: 'on', RequisiteFeatures: 'off' }, false],
  ] as const;
  let outcome: Map<string, number>;

  beforeAll(async () => {
    for (const [name, Transfer] of rows) {
      define(`f-${name}`, { Transfer, Target: { Path: `/opt/f-${name}` } });
      for (const [feature, Enabled] of Object.entries({ on: 'yes', also: 'true', off: 'no' }))
        world.write(`etc/sysupdate.f-${name}.d/${feature}.feature`, definition({ Feature: { Enabled } }));
    }
    const names = rows.map(([name]) => `--component=f-${name}`);
    const { components } = (await world.run(['list', '--json=short', ...names])).json();
    outcome = new Map(components.map((one) => [one.name, one.versions.length]));
  });

  it.each(rows)('%s: %j: %s', (name, _, isOn) => {
    expect(outcome.get(`f-${name}`) ?? 0).toBe(isOn ? 1 : 0);
  });
});

describe('systemd.md 1.4: [Source] Path=', () => {
  it.each([
    ['http://', 'http', () => world.server.url, undefined],
    ['http:// with user and password', 'auth', () => world.server.url.replace('//', '//me:s%40e@'), 'me:s@e'],
    ['file://', 'file', () => `file://${world.published}`, undefined],
  ])('%s', async (_, name, base, credentials) => {
    await world.publish(name, { f_1: name });
    define(name, { Source: { Type: 'url-file', Path: `${base()}/${name}/`, MatchPattern: 'f_@v' } });
    const result = await world.run(['apply', name]);
    expect(result.status, result.stderr).toBe(0);
    expect(world.read(`opt/${name}/f_1`)).toBe(name);
    const asked = world.server.requests.filter(({ path }) => path.startsWith(`/${name}/`));
    expect(asked.length > 0).toBe(name !== 'file');
    const header = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
    for (const { headers } of asked) expect(headers.authorization).toBe(header);
    expect(result.stdout + result.stderr).not.toContain('s%40e');
  });
});

describe('systemd.md 1.4: PathRelativeTo=', () => {
  it('explicit: what --transfer-source= names', async () => {
    define('explicit', { Source: { PathRelativeTo: 'explicit', Path: '/srv/explicit' } });
    const result = await world.run(['apply', 'explicit', `--transfer-source=${world.root}`]);
    expect(result.status, result.stderr).toBe(0);
    expect(world.names('opt/explicit')).toEqual(['f_1']);
  });

  it.each([
    ['esp, in [Source]: left to systemd-sysupdate', { Source: { PathRelativeTo: 'esp' } }, 'esp'],
    ['boot, in [Target]: left to systemd-sysupdate', { Target: { PathRelativeTo: 'boot' } }, 'boot'],
    ['xbootldr, in [Target]: left to systemd-sysupdate', { Target: { PathRelativeTo: 'xbootldr' } }, 'xbootldr'],
  ])('%s', async (_, sections, anchor) => {
    define(`relative-${anchor}`, sections);
    const { status, stdout } = await world.run(['list', `relative-${anchor}`]);
    expect([status, stdout]).toEqual([0, expect.stringContaining(`relative to the ${anchor} partition`)]);
  });

  it.each([
    ['explicit, in [Target]', { Target: { PathRelativeTo: 'explicit' } }],
    ['an unknown word, in [Source], of which systemd only warns', { Source: { PathRelativeTo: 'moon' } }],
    ['an unknown word, in [Target], of which systemd only warns', { Target: { PathRelativeTo: 'moon' } }],
  ])('%s: is an error', async (_, sections) => {
    define('relative-wrong', sections);
    const result = await world.run(['list', 'relative-wrong']);
    expect([result.status, result.stderr]).toEqual([3, expect.stringContaining('PathRelativeTo=: ')]);
  });
});

describe('systemd.md 1.4: MatchPattern=', () => {
  it('is a list; the first target pattern names new files, the others name what is here', async () => {
    const lists = { Source: { MatchPattern: ['f_@v g-@v', 'h+@v'] }, Target: { MatchPattern: 'new_@v old_@v' } };
    define('lists', lists, ['f_1', 'g-2', 'h+3']);
    world.write('opt/lists/old_2', '');
    const found = await versions('lists');
    expect(found.map(({ version, installed }) => [version, installed])).toEqual([
      ['3', false],
      ['2', true],
      ['1', false],
    ]);
    expect((await world.run(['apply', 'lists'])).status).toBe(0);
    expect(world.names('opt/lists')).toEqual(['new_3', 'old_2']);
  });

  it('of [Target] is that of [Source] without "**/" where nothing is said', async () => {
    define('inherited', { Source: { MatchPattern: '**/f_@v' } }, ['deep/down/f_1']);
    expect((await world.run(['apply', 'inherited'])).status).toBe(0);
    expect(world.names('opt/inherited')).toEqual(['f_1']);
  });

  it('is at most 255 bytes long, after specifiers are expanded', async () => {
    const pattern = (length: number) => `${'%o'.repeat(30)}${'x'.repeat(length - 30 * 'testos'.length - 2)}@v`;
    define('long', { Source: { MatchPattern: pattern(255) } });
    define('too-long', { Source: { MatchPattern: pattern(256) } });
    const result: RunResult = await world.run(['list', '-C', 'long', '-C', 'too-long']);
    expect(result.stderr).not.toContain('sysupdate.long.d');
    expect(result.stderr).toContain('is longer than 255 bytes');
  });
});

describe('systemd.md 1.4: .component', () => {
  it('Description, Documentation (a list), Enabled (yes where nothing is said), Suggest', async () => {
    define('told', {});
    world.write(
      'etc/sysupdate.told.component',
      definition({
        Component: { Description: 'Told', Documentation: ['https://a/', 'https://b/'], SuggestOnHost: '!no-such' },
      }),
    );
    const listed = async () =>
      (await world.run(['components', '--no-legend'])).stdout.split('\n').find((line) => line.includes('told'));
    expect((await listed())?.trim().split(/\s+/)).toEqual(['told', 'yes', 'yes', 'Told', 'https://a/', 'https://b/']);
    world.write('etc/sysupdate.told.component.d/x.conf', '[Component]\nEnabled=no\nSuggest=no\n');
    expect((await listed())?.trim().split(/\s+/).slice(0, 3)).toEqual(['told', 'no', 'no']);
    expect((await world.run(['apply', 'told'])).status).toBe(2);
    expect(existsSync(join(world.root, 'opt/told'))).toBe(false);
  });
});

describe('systemd.md 1.4: .feature', () => {
  it('Description, Documentation, AppStream, Enabled (no where nothing is said), Suggest', async () => {
    define('shown', { Transfer: { Features: 'x' } });
    const Feature = { Description: 'X', Documentation: 'https://a/', AppStream: 'https://b/', Suggest: 'yes' };
    world.write('etc/sysupdate.shown.d/x.feature', definition({ Feature }));
    const told = async () => JSON.parse((await world.run(['features', '-C', 'shown', 'x', '--json=short'])).stdout);
    expect(await told()).toEqual({
      id: 'x',
      description: 'X',
      documentation: ['https://a/'],
      appStream: 'https://b/',
      enabled: false,
      suggested: true,
      transfers: ['a'],
    });
    // Negated, and one of several, with a condition that nobody can read.
    const Conditions = { SuggestOnArchitecture: ['|!native', '|native'], SuggestOnHost: '!no-such' };
    world.write('etc/sysupdate.shown.d/x.feature', definition({ Feature: Conditions }));
    expect(await told()).toMatchObject({ suggested: true });
    world.write('etc/sysupdate.shown.d/x.feature', '[Feature]\nSuggestOnFraction=malformed\n');
    expect(await told()).not.toHaveProperty('suggested');
  });
});
