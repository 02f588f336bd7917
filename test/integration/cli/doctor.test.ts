/** `doctor` on trees in directories: what it says of real files. What it says of a host that runs is tried in test/e2e. */
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CheckDocument } from '../../../src/cli/doctor-command.ts';
import { extensionImage } from '../../support/images.ts';
import { makeKey } from '../../support/repository.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.close());

const image = (name: string, release: Record<string, string> = { ID: 'testos', VERSION_ID: '1' }, kind?: 'confext') =>
  extensionImage({ name, release, ...(kind ? { kind } : {}), files: { [kind ? 'etc/x' : 'usr/share/x']: name } });

function define(name: string, more: Parameters<typeof definition>[0] = {}): void {
  const sections = {
    Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
    Target: { Path: `/var/lib/extensions/${name}.raw.v` },
    ...more,
  };
  world.write(`etc/extupdate/transfer.d/${name}.transfer`, definition(sections));
}

async function doctor(...args: string[]) {
  const result = await world.run(['doctor', '--json=short', ...args]);
  const { checks } = JSON.parse(result.stdout) as { checks: CheckDocument[] };
  const of = (check: string) =>
    checks.filter((one) => one.check === check).map(({ state, text }) => `${state}: ${text}`);
  return { ...result, checks, of };
}

it('a host in order', async () => {
  define('app');
  await world.publish('app', { 'app_1.raw': image('app') });
  await world.run(['apply']);
  const before = world.server.requests.length;
  const result = await world.run(['doctor']);
  expect(result).toMatchObject({ status: 0, stderr: '' });
  const lines = result.stdout.trimEnd().split('\n');
  expect(lines.filter((line) => /^(warning|problem)/.test(line))).toEqual([]);
  expect(lines).toContain('ok       definitions        one component: app');
  expect(lines).toContain('ok       keys               one key counts, from /etc/systemd/import-pubring.pgp');
  expect(lines).toContain('ok       extensions         one fits this OS: app');
  expect(lines).toContain('ok       components         active as they should be: app 1');
  expect(lines.at(-1)).toBe('Nothing is wrong.');
  // Of the machine that it runs on, nothing is said.
  expect(result.stdout).not.toMatch(/^\S+ +(systemd|units|programs|clock)/m);
  expect(world.server.requests.length).toBe(before);
});

describe('images that systemd refuses', () => {
  it('each with its reason, and who has to do something', async () => {
    define('app');
    world.write('var/lib/extensions/app.raw.v/app_2.raw', image('app', { ID: 'testos', VERSION_ID: '2' }));
    world.write('var/lib/extensions/app.raw.v/app_1.raw', image('app'));
    world.write('etc/extensions/fine.raw', image('fine'));
    world.write('etc/extensions/foreign.raw', image('foreign', { ID: 'fedora' }));
    world.write('etc/extensions/empty.raw', '');
    world.write('run/extensions/named.raw', image('other'));
    world.write('run/extensions/fine.raw', image('fine'));
    world.write(
      'var/lib/extensions/tree/usr/lib/extension-release.d/extension-release.tree',
      'ID=testos\nVERSION_ID=9\n',
    );
    world.write('var/lib/confexts/conf.raw', image('conf', { ID: '_any' }, 'confext'));
    world.write('var/lib/confexts/notconf.raw', image('notconf'));
    mkdirSync(join(world.root, 'etc/extensions/masked'));
    symlinkSync('../../nowhere.raw', join(world.root, 'var/lib/extensions/gone.raw'));
    world.write('var/lib/extensions/.hidden.raw', '');
    world.write('var/lib/extensions/notes.txt', '');
    world.write('usr/lib/extensions/lost.raw', image('lost'));
    const { of, status, checks } = await doctor();
    expect(status).toBe(13);
    expect(of('extensions')).toEqual([
      'ok: 2 fit this OS: conf, fine',
      'problem: /var/lib/confexts/notconf.raw: systemd-confext merges nothing at all because of it: it has no extension-release file of its kind',
      expect.stringMatching(
        /^problem: \/etc\/extensions\/empty.raw: systemd-sysext merges nothing at all because of it: .*empty file/,
      ),
      'warning: /etc/extensions/foreign.raw: systemd-sysext passes over it: ID=fedora, this OS is testos',
      'note: /etc/extensions/masked is empty: it masks masked',
      'note: /run/extensions/fine.raw is not used: /etc/extensions/fine.raw comes first',
      'problem: /run/extensions/named.raw: systemd-sysext merges nothing at all because of it: its release file is named other, so it cannot load as named',
      'warning: /var/lib/extensions/app.raw.v (app_2.raw): systemd-sysext passes over it: VERSION_ID=2, this OS is 1',
      'warning: /var/lib/extensions/gone.raw leads to nothing: systemd passes over it',
      'warning: /var/lib/extensions/tree: systemd-sysext passes over it: VERSION_ID=9, this OS is 1',
      'note: systemd does not look for images in /usr/lib/extensions/lost.raw',
    ]);
    expect(checks.find(({ text }) => text.includes('app_2.raw'))?.next).toBe('extupdate why app');
    expect(checks.find(({ text }) => text.includes('empty.raw'))?.next).toBe('move /etc/extensions/empty.raw away');
    expect(of('components')).toEqual([expect.stringContaining('app: 1 is installed, and 2 is active')]);
  });

  it('two versions of one thing', async () => {
    world.write('var/lib/extensions/app_1.raw', image('app_1'));
    world.write('var/lib/extensions/app_2.raw', image('app_2'));
    const { of, status } = await doctor();
    expect(status).toBe(0);
    expect(of('extensions')).toContain('warning: several versions of one thing are visible at once: app_1, app_2');
  });
});

describe('what cannot be looked at', () => {
  it('a link in a circle is told, and everything else too', async () => {
    define('app');
    define('other');
    world.write('etc/extensions/empty.raw', '');
    world.write('etc/extensions/fine.raw', image('fine'));
    for (const path of ['var/lib/extensions/loop.raw', 'var/lib/extensions/dir', 'var/lib/confexts']) {
      mkdirSync(dirname(join(world.root, path)), { recursive: true });
      symlinkSync(basename(path), join(world.root, path));
    }
    const { of, status, checks } = await doctor();
    expect(of('definitions')).toEqual(['ok: 2 components: app, other']);
    expect(of('extensions')).toEqual([
      'ok: one fits this OS: fine',
      'problem: /var/lib/extensions/dir leads in a circle: systemd-sysext of systemd 262 merges nothing at all because of it',
      'problem: /var/lib/extensions/loop.raw leads in a circle: systemd-sysext of systemd 262 merges nothing at all because of it',
      expect.stringContaining('/etc/extensions/empty.raw'),
    ]);
    expect(of('storage')).toContain('problem: /var/lib/confexts cannot be read: ELOOP');
    expect(of('components')).toHaveLength(2);
    expect(checks.find(({ text }) => text.includes('loop.raw'))?.next).toBe('rm /var/lib/extensions/loop.raw');
    expect(status).toBe(15);
  });

  it('a check that cannot be made is a finding, and the others stay', async () => {
    define('app', { Target: { Path: '/srv/circle/app', CurrentSymlink: '/etc/extensions/app.raw' } });
    mkdirSync(join(world.root, 'srv'));
    symlinkSync('circle', join(world.root, 'srv/circle'));
    world.write('etc/extensions/empty.raw', '');
    const { of, checks } = await doctor();
    expect(of('definitions')).toEqual(['ok: one component: app', expect.stringContaining('too many symbolic links')]);
    expect(of('storage')).toEqual([expect.stringMatching(/^problem: \/srv\/circle\/app: too many symbolic links/)]);
    expect(of('components')).toEqual([expect.stringContaining('too many symbolic links')]);
    expect(of('extensions')).toEqual([expect.stringContaining('/etc/extensions/empty.raw')]);
    expect(checks.map(({ check }) => check)).toEqual(expect.arrayContaining(['host', 'configuration', 'keys']));
  });
});

describe('configuration', () => {
  it('one problem has its own status, several kinds have 15; one line each', async () => {
    world.write('etc/extupdate/transfer.d/bad.transfer', '[Source]\nType=nonsense\n');
    const one = await doctor();
    expect([one.status, one.of('definitions')[0]]).toEqual([
      3,
      expect.stringContaining('/etc/extupdate/transfer.d/bad.transfer:2: Type='),
    ]);
    world.write('etc/extensions/empty.raw', '');
    expect((await doctor()).status).toBe(15);
    const text = await world.run(['doctor']);
    expect(text.stdout).toMatch(/^problem {2}definitions +\/etc\/extupdate.*\n {28}\S/m);
    expect(text.stdout).toMatch(/\n[0-9]+ problems, 0 warnings\.\n$/);
  });

  it('what cannot be read of the host does not stop the rest', async () => {
    world.write('etc/extupdate/extupdate.conf', '[Extupdate]\nRateLimit=much\n');
    define('app');
    const conf = await doctor();
    expect([conf.status, conf.of('configuration')[0]]).toEqual([3, expect.stringContaining('RateLimit=')]);
    expect(conf.of('definitions')).toEqual(['ok: one component: app']);
    world.write('usr/lib/os-release', 'NAME=x\n');
    const host = await doctor();
    expect([host.status, host.of('host')]).toEqual([3, [expect.stringContaining('has no ID=')]]);
  });

  it('keys: none, and one that has expired', async () => {
    define('app');
    const expired = await makeKey({ date: new Date(Date.now() - 20 * 86_400_000), expiresInSec: 10 * 86_400 });
    world.write('etc/systemd/import-pubring.pgp', expired.binaryPublicKey);
    const bad = await doctor();
    expect(bad.status).toBe(11);
    expect(bad.of('keys')[0]).toMatch(/^problem: app: none of the keys counts: [0-9a-f]{16} /);
    const soon = await makeKey({ expiresInSec: 40 * 86_400 });
    world.write('etc/systemd/import-pubring.pgp', soon.binaryPublicKey);
    expect((await doctor()).of('keys')).toEqual([
      expect.stringContaining('ok: one key counts'),
      expect.stringMatching(/^warning: .*: expires in (9|10) days$/),
    ]);
    world.write('etc/systemd/import-pubring.pgp', 'nonsense');
    expect([(await doctor()).status, (await doctor()).of('keys')[0]]).toEqual([
      3,
      expect.stringContaining('problem: '),
    ]);
    define('app', { Transfer: { Verify: 'no' } });
    world.write('etc/systemd/import-pubring.pgp', expired.binaryPublicKey);
    expect((await doctor()).of('keys')).toContain(
      'note: nobody verifies the lists of app (Verify=no): their servers are trusted alone',
    );
  });

  it('a target that others could write to', async () => {
    define('app', { Target: { Path: '/srv/images', CurrentSymlink: '/etc/extensions/app.raw' } });
    mkdirSync(join(world.root, 'srv/images'), { recursive: true });
    chmodSync(join(world.root, 'srv/images'), 0o777);
    const { status, of } = await doctor();
    expect([status, of('definitions')[1]]).toEqual([
      3,
      'problem: app: /srv/images: /srv/images is writable by everybody',
    ]);
  });
});

it('a component that is off, waits, failed, or has nothing', async () => {
  define('app', { 'X-Extupdate': { Activate: 'manual' } });
  define('other');
  await world.publish('app', { 'app_1.raw': image('app') });
  await world.run(['apply', 'app']);
  const waiting = await doctor();
  expect(waiting.of('components')).toEqual([
    'note: app: 1 is installed, and nothing is active: waits for "apply --now"',
    'note: other: nothing is installed',
  ]);
  await world.run(['apply', '--now', 'app']);
  define('app', { Transfer: { Features: 'extra' } });
  world.write('etc/extupdate/transfer.d/extra.feature', '[Feature]\nEnabled=no\n');
  const off = await doctor();
  expect(off.of('components')).toContain('warning: app is off, and still visible');
  expect(off.of('definitions')).toContain('note: turned off by their features: app');
});

it.skipIf(process.getuid?.() !== 0)('a user without rights is told what he did not see', async () => {
  define('app');
  await world.publish('app', { 'app_1.raw': image('app') });
  await world.run(['apply']);
  chmodSync(join(world.root, '..'), 0o755);
  chmodSync(join(world.root, 'var/lib/extupdate'), 0o700);
  chmodSync(join(world.root, 'var/lib/extensions/app.raw.v/app_1.raw'), 0o600);
  const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const { status, stdout } = await world.run(['doctor'], { wrapper });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^note {5}storage +not shown to this user: holds, marks.*\n +run as root to see it$/m);
  expect(stdout).toMatch(/^note {5}extensions +\/var\/lib\/extensions\/app.raw.v cannot be looked into by this user$/m);
});
