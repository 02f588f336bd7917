/** The reproduced defects of systemd-sysupdate and systemd-sysext (D1 to D10), each as a test that extupdate passes. */
import { existsSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { EMPTY_SHA256 } from '../../src/source/manifest.ts';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { definition } from '../support/world.ts';

const link = 'var/lib/extensions/app.raw';
const store = 'var/lib/extensions.d';

describeAlikeHosts('forky', 'defects of the peers', (suite) => {
  let e2e: E2e;
  beforeAll(async () => {
    e2e = await startE2e(suite);
  });
  afterAll(() => e2e?.stop());

  beforeEach(async () => {
    e2e.server.intercept = undefined;
    for (const path of [link, store, 'etc/extupdate', 'var/lib/extupdate', 'var/lib/extensions']) {
      rmSync(join(e2e.host.root, path), { recursive: true, force: true });
    }
    await e2e.host.exec(['systemd-sysext', 'refresh']);
  });

  const define = (target: Record<string, string>, pattern = 'app_@v.raw') =>
    e2e.write(
      'etc/extupdate/transfer.d/app.transfer',
      definition({
        Transfer: { Verify: 'no' },
        Source: { Type: 'url-file', Path: `${e2e.server.url}/app`, MatchPattern: pattern },
        Target: { InstancesMax: '2', ...target },
      }),
    );
  const linked = { Path: `/${store}`, CurrentSymlink: `/${link}` };
  const offer = (...versions: string[]) =>
    e2e.publish('app', Object.fromEntries(versions.map((version) => [`app_${version}.raw`, image('app', version)])));
  const linkTarget = () => readlinkSync(join(e2e.host.root, link));
  const has = (path: string) => existsSync(join(e2e.host.root, path));

  it.each([
    ['a status of 503', 10],
    ['a cut body', 10],
    ['a wrong hash', 11],
  ])('D1: one failed download (%s) does not stop later runs', async (fault, exit) => {
    define(linked);
    await offer('1');
    await e2e.run('apply');
    await offer('1', '2');
    e2e.server.intercept = (_, response, path) => {
      if (!path.endsWith('app_2.raw') || !response.req.headers['user-agent']?.startsWith('extupdate')) return false;
      if (response.req.headers.range === 'bytes=0-16383') return false;
      if (fault === 'a status of 503') response.writeHead(503, { 'retry-after': '3600' }).end();
      else if (fault === 'a cut body') {
        // Fewer bytes than an attempt has to bring to count as progress.
        response.writeHead(200, { 'content-length': 4096 }).write('x'.repeat(100));
        setTimeout(() => response.destroy(), 20);
      } else response.writeHead(200, { 'content-length': 4096 }).end('x'.repeat(4096));
      return true;
    };
    const failed = await e2e.run('apply');
    expect(failed.status).toBe(exit);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
    e2e.server.intercept = undefined;
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'app: activated 2 (was 1)\n' });
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
  });

  it('D2: going back to an installed version switches the link and what is merged', async () => {
    define(linked);
    await offer('1');
    await e2e.run('apply');
    await offer('1', '2');
    await e2e.run('apply');
    expect(linkTarget()).toBe('../extensions.d/app_2.raw');
    expect(await e2e.run('apply app@1')).toMatchObject({ status: 0, stdout: 'app: activated 1 (was 2)\n' });
    expect(linkTarget()).toBe('../extensions.d/app_1.raw');
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
    // It stays, until something newer than what was known appears.
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    await offer('1', '2', '3');
    await e2e.run('apply');
    expect(await e2e.cat('/usr/share/app/version')).toBe('3');
  });

  it('D3: a failing update after going back leaves the version in use', async () => {
    define(linked);
    await offer('1', '2');
    await e2e.run('apply app@1');
    await e2e.run('apply app@2');
    rmSync(join(e2e.host.root, store, 'app_1.raw'));
    await e2e.run('apply app@1');
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
    await offer('1', '2', '3');
    e2e.server.intercept = (_, response, path) => {
      if (!path.endsWith('app_3.raw')) return false;
      response.writeHead(404).end();
      return true;
    };
    expect((await e2e.run('apply')).status).toBe(10);
    expect(linkTarget()).toBe('../extensions.d/app_1.raw');
    expect(has(`${store}/app_1.raw`)).toBe(true);
    await e2e.host.exec(['systemctl', 'reload-or-restart', 'systemd-sysext']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
  });

  it('D4: list is right in every state', async () => {
    define(linked);
    await offer('1', '2');
    await e2e.run('apply app@2');
    await e2e.run('acquire app@1');
    const states = (await e2e.json('list')).components[0]?.versions.map(({ version, active, installed, pending }) => [
      version,
      { active, installed, pending },
    ]);
    expect(states).toEqual([
      ['2', { active: true, installed: true, pending: false }],
      ['1', { active: false, installed: false, pending: true }],
    ]);
    e2e.write('etc/extupdate/transfer.d/app.transfer.d/min.conf', definition({ Transfer: { MinVersion: '2' } }));
    const obsolete = (await e2e.json('list')).components[0]?.versions[1];
    expect(obsolete).toMatchObject({ version: '1', pending: true, obsolete: true, reason: { code: 'obsolete' } });
  });

  it('D5: files of others in the target directory are left alone', async () => {
    // Files are told by their names to be in use, and loop devices are those of all hosts that run beside this one.
    const own = (version: string) => `app_${version}.${suite}-d5.raw`;
    define(linked, own('@v'));
    for (const name of ['.#other', '.sysupdate.partial.app_9.raw', 'notes.txt', 'other_1.raw'])
      e2e.write(`${store}/${name}`, 'x');
    for (const version of ['1', '2', '3', '4']) {
      await e2e.publish('app', { [own(version)]: image('app', version) });
      expect((await e2e.run('apply')).status).toBe(0);
    }
    await e2e.run('gc');
    for (const name of ['.#other', '.sysupdate.partial.app_9.raw', 'notes.txt', 'other_1.raw']) {
      expect(has(`${store}/${name}`)).toBe(true);
    }
    expect(['1', '2', '3', '4'].filter((version) => has(`${store}/${own(version)}`))).toEqual(['3', '4']);
  });

  it('D6: of two versions in a search directory one is visible', async () => {
    define({ Path: '/var/lib/extensions' });
    await offer('1');
    await e2e.run('apply');
    await offer('1', '2');
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'app: activated 2 (was 1)\n' });
    expect(await e2e.merged()).toEqual(['app_2']);
    expect(has('var/lib/extensions/.parked/app_1.raw')).toBe(true);
    // Both visible, as systemd-sysupdate leaves them: the next run puts it right.
    e2e.write('var/lib/extensions/app_1.raw', image('app', '1'));
    expect((await e2e.run('apply')).status).toBe(0);
    expect(await e2e.merged()).toEqual(['app_2']);
  });

  it.each([
    ['empty', () => Buffer.alloc(0)],
    ['garbage', () => Buffer.alloc(8192, 'garbage')],
    ['misnamed inside', () => image('other', '2')],
    ['truncated', () => image('app', '2').subarray(0, 200)],
  ])('D7: an image that is %s does not come in, and takes nothing else down', async (what, content) => {
    define({ Path: '/var/lib/extensions/app.raw.v' });
    e2e.write(
      'etc/extupdate/transfer.d/good.transfer',
      definition({
        Transfer: { Verify: 'no' },
        Source: { Type: 'url-file', Path: `${e2e.server.url}/good`, MatchPattern: 'good_@v.raw' },
        Target: { Path: '/var/lib/extensions/good.raw.v' },
      }),
    );
    await offer('1');
    await e2e.publish('good', { 'good_1.raw': image('good', '1') });
    expect((await e2e.run('apply')).status).toBe(0);
    await e2e.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': content() });
    await e2e.publish('good', { 'good_2.raw': image('good', '2') });
    const result = await e2e.run('apply');
    // A listed image of no bytes is no image: the list itself is refused. The others are merely not chosen.
    expect(result.status).toBe(what === 'empty' ? 15 : 0);
    expect(await e2e.merged()).toEqual(['app', 'good']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
    expect(await e2e.cat('/usr/share/good/version')).toBe('2');
    if (what !== 'empty') {
      const [newest] = (await e2e.json('list app')).components[0]?.versions ?? [];
      expect(newest).toMatchObject({ version: '2', installed: false, compatible: false });
    }
    rmSync(join(e2e.host.root, 'etc/extupdate/transfer.d/good.transfer'));
  });

  it('D8: a newest version for another OS in a .v directory gives way to the one that fits', async () => {
    define({ Path: '/var/lib/extensions/app.raw.v' });
    e2e.write('var/lib/extensions/app.raw.v/app_1.raw', image('app', '1'));
    e2e.write(
      'var/lib/extensions/app.raw.v/app_2.raw',
      image('app', '2', { release: { ID: 'testos', VERSION_ID: '2' } }),
    );
    await e2e.host.exec(['systemctl', 'reload-or-restart', 'systemd-sysext']);
    expect(await e2e.merged()).toEqual([]);
    expect((await e2e.run('apply --offline')).status).toBe(0);
    expect(await e2e.merged()).toEqual(['app']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
  });

  it('D9: the order of UAPI.10 is kept, with a notice that names SkipVersions=', async () => {
    define(linked);
    await offer('1.2.0', '1.2.0-rc1');
    const result = await e2e.run('check');
    expect(result.stdout).toContain('1.2.0-rc1');
    expect(result.stderr).toContain('SkipVersions=*-rc*');
    e2e.write(
      'etc/extupdate/transfer.d/app.transfer.d/skip.conf',
      definition({ 'X-Extupdate': { SkipVersions: '*-rc*' } }),
    );
    expect((await e2e.json('check')).components[0]?.candidate).toBe('1.2.0');
  });

  it('D10: a list is good until the end of its best-before day', async () => {
    define(linked);
    const content = image('app', '1');
    const today = new Date().toISOString().slice(0, 10);
    const lines = [`${EMPTY_SHA256} *BEST-BEFORE-${today}`];
    await e2e.publish('app', { 'app_1.raw': content }, { extraLines: lines });
    expect((await e2e.run('apply')).status).toBe(0);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
    await e2e.publish('app', { 'app_2.raw': content }, { extraLines: [`${EMPTY_SHA256} *BEST-BEFORE-2020-01-01`] });
    expect((await e2e.run('apply')).status).toBe(12);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
  });
});
