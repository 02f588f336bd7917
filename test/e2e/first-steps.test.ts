/** `add`, `remove` and `doctor` on hosts that run: what is merged, what systemd refuses and why, what a user without rights sees. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CheckDocument } from '../../src/cli/doctor-command.ts';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { extensionImage } from '../support/images.ts';
import { writeSquashfs } from '../support/squashfs-writer.ts';

const release = { ID: 'testos', VERSION_ID: '1' };
const service = (name: string) => `[Service]\nExecStart=/usr/bin/sleep infinity\n# of ${name}\n`;

describeAlikeHosts('trixie', 'first steps', (suite) => {
  let e2e: E2e;
  const has = (path: string) => existsSync(join(e2e.host.root, path));
  const checks = async () => (await e2e.json('doctor')) as unknown as { checks: CheckDocument[] };
  /** What `doctor` says of some of its checks, where it is no `ok`. */
  const told = async (...names: string[]) =>
    (await checks()).checks
      .filter(({ check, state }) => names.includes(check) && state !== 'ok')
      .map(({ state, text }) => `${state}: ${text}`);

  beforeAll(async () => {
    e2e = await startE2e(suite);
    const units = {
      'usr/lib/systemd/system/app.service': service('app'),
      'usr/lib/systemd/system/beside.service': service('beside'),
    };
    const app = (version: string) =>
      extensionImage({
        name: 'app',
        release: { ...release, EXTENSION_RELOAD_MANAGER: '1', EXTENSION_RESTART_UNITS: 'app.service' },
        files: { 'usr/share/app/version': version, ...units },
      });
    await e2e.publish('ext/app', { 'app-1-x86-64.raw': app('1'), 'app-2-x86-64.raw': app('2') });
    await e2e.publish('conf', { 'conf_1.raw': image('conf', '1', { kind: 'confext' }) });
    await e2e.publish('extra', { 'extra_1.raw': image('extra', '1') });
    e2e.write('etc/systemd/system/systemd-sysext.service.d/50-extupdate.conf', '[Unit]\n');
    await e2e.host.exec(['systemctl', 'daemon-reload']);
  });
  afterAll(() => e2e?.stop());

  it('add and apply: from a URL to a file that is merged, below a merged /etc, too', async () => {
    const conf = await e2e.run(`add conf ${e2e.server.url}/conf --yes --now`);
    expect(conf).toMatchObject({ status: 0, stdout: expect.stringMatching(/conf: added.*\nconf: activated 1\n$/) });
    const added = await e2e.run(`add app ${e2e.server.url}/ext --yes`);
    expect(added).toMatchObject({ status: 0, stdout: expect.stringContaining('Next: extupdate apply app') });
    expect(has('etc/extupdate/transfer.d/app.transfer')).toBe(true);
    expect(await e2e.run('apply app')).toMatchObject({ status: 0, stdout: 'app: activated 2\n' });
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
    expect([await e2e.merged(), await e2e.merged('systemd-confext')]).toEqual([['app'], ['conf']]);
    // It is a definition for systemd's own tool, too.
    await e2e.host.sh('mkdir /srv/same && cp /etc/extupdate/transfer.d/app.transfer /srv/same');
    const list = await e2e.sysupdate('--definitions=/srv/same list --json=short');
    expect(JSON.parse(list.stdout)).toMatchObject({ current: '2', all: ['2', '1'] });
  });

  it('doctor finds nothing wrong, and names what is merged over what', async () => {
    const { checks: all } = await checks();
    expect(all.filter(({ state }) => state === 'problem' || state === 'warning')).toEqual([]);
    const texts = all.map(({ check, text }) => `${check}: ${text}`);
    expect(texts).toContain(`systemd: systemd ${suite === 'trixie' ? 257 : 262}`);
    expect(texts).toContain('extensions: 2 fit this OS: conf, app');
    expect(texts).toContain('components: active as they should be: app 2, conf 1');
    expect(texts.find((text) => text.startsWith('file systems: /etc is read-only'))).toContain(
      '/etc/extensions/app.raw',
    );
    expect(texts).toContain('units: none of extupdate’s is installed: nothing runs by itself');
    expect((await e2e.run('doctor')).status).toBe(0);
  });

  describe('what systemd refuses, and why', () => {
    const place = (name: string) => `run/extensions/${name}`;
    /** /run is not seen from outside. */
    const put = async (name: string, content: Buffer | Record<string, string>) => {
      const from = join(e2e.host.root, 'srv', name);
      rmSync(from, { recursive: true, force: true });
      if (Buffer.isBuffer(content)) writeFileSync(from, content);
      else {
        for (const [path, text] of Object.entries(content)) {
          mkdirSync(dirname(join(from, path)), { recursive: true });
          writeFileSync(join(from, path), text);
        }
      }
      await e2e.host.sh(`mkdir -p /run/extensions && cp -r /srv/${name} /${place(name)}`);
    };
    afterEach(async () => {
      await e2e.host.sh('rm -rf /run/extensions; systemd-sysext refresh');
    });

    const os = { 'usr/lib/os-release': 'ID=x\n' };
    const file = (name: string, fields: Record<string, string> = release, more = {}) =>
      extensionImage({ name, release: fields, files: { 'usr/share/x': 'x', ...more } });
    const tree = (name: string, fields: string, more = {}) => ({
      [`usr/lib/extension-release.d/extension-release.${name}`]: fields,
      'usr/share/y': 'y',
      ...more,
    });
    it.each<[string, string, Buffer | Record<string, string>, 'nothing' | 'passes']>([
      ['an empty file', 'x.raw', Buffer.alloc(0), 'nothing'],
      ['no image', 'x.raw', Buffer.alloc(8192, 'garbage'), 'nothing'],
      ['an image that is cut off', 'x.raw', file('x').subarray(0, 200), 'nothing'],
      ['another name inside', 'x.raw', file('other'), 'nothing'],
      ['no release file', 'x.raw', writeSquashfs({ 'usr/share/x': 'x' }), 'nothing'],
      ['an os-release inside', 'x.raw', file('x', release, os), 'passes'],
      ['a directory with an os-release', 'x', tree('x', 'ID=_any\n', os), 'nothing'],
      ['a directory with another name inside', 'x', tree('other', 'ID=_any\n'), 'passes'],
      ['a directory for another OS', 'x', tree('x', 'ID=other\n'), 'passes'],
      ['another version', 'x.raw', file('x', { ...release, VERSION_ID: '2' }), 'passes'],
      ['another OS', 'x.raw', file('x', { ID: 'other' }), 'passes'],
      ['another architecture', 'x.raw', file('x', { ID: '_any', ARCHITECTURE: 's390x' }), 'passes'],
      ['for the initrd only', 'x.raw', file('x', { ID: '_any', SYSEXT_SCOPE: 'initrd' }), 'passes'],
    ])('%s', async (_, name, content, result) => {
      await put(name, content);
      const refresh = await e2e.host.exec(['systemd-sysext', 'refresh']);
      const [finding] = await told('extensions');
      expect([refresh.status === 0, finding], refresh.stderr).toEqual([
        result === 'passes',
        expect.stringMatching(
          result === 'passes'
            ? new RegExp(`^warning: /${place(name)}: systemd-sysext passes over it: .`)
            : new RegExp(`^problem: /${place(name)}: systemd-sysext merges nothing at all because of it: .`),
        ),
      ]);
      expect(await e2e.merged()).not.toContain('x');
    });
  });

  it('what is merged and should not be, and what should be and is not', async () => {
    e2e.write('var/lib/extensions/plain_1.raw', extensionImage({ name: 'plain_1', release }));
    expect(await told('extensions')).toEqual(['warning: fits and is not merged: plain_1']);
    e2e.write('var/lib/extensions/plain_2.raw', extensionImage({ name: 'plain_2', release }));
    await e2e.host.exec(['systemctl', 'reload-or-restart', 'systemd-sysext.service']);
    expect(await told('extensions')).toEqual([
      'warning: several versions of one thing are visible at once: plain_1, plain_2',
    ]);
    for (const name of ['plain_1.raw', 'plain_2.raw']) rmSync(join(e2e.host.root, 'var/lib/extensions', name));
    expect(await told('extensions')).toEqual([
      'warning: plain_1 is still merged, and its image is gone',
      'warning: plain_2 is still merged, and its image is gone',
    ]);
    await e2e.host.exec(['systemctl', 'reload-or-restart', 'systemd-sysext.service']);
    expect(await told('extensions', 'components')).toEqual([]);
  });

  it('a user without rights sees all of that, and is told what he does not', async () => {
    const user = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const run = (args: string) => e2e.host.sh(`exec ${user} /srv/node/bin/node /srv/extupdate/extupdate ${args}`);
    for (const args of [
      'list',
      'check',
      'status',
      'why app',
      'history',
      'search',
      'features',
      'components',
      'doctor',
    ]) {
      const { status, stderr } = await run(args);
      expect([args, status, stderr]).toEqual([args, 0, '']);
    }
    expect((await run('status app')).stdout).toMatch(/^app +2 +yes +yes/m);
    expect((await run('doctor')).stdout).toContain('2 fit this OS: conf, app');
    await e2e.host.sh('chmod 0700 /var/lib/extupdate');
    const closed = await run('check app');
    expect(closed).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('not shown to this user: holds, marks'),
    });
    await e2e.host.sh('chmod 0755 /var/lib/extupdate');
    for (const args of ['apply', 'remove app --yes', `add extra ${e2e.server.url}/extra --yes`]) {
      expect(await run(args)).toMatchObject({ status: 14, stderr: expect.stringMatching(/\n {2}run as root\n$/) });
    }
  });

  describe('remove', () => {
    it('leaves all as it is when systemd does not merge what would be left (16)', async () => {
      await e2e.host.sh('mkdir -p /run/extensions; touch /run/extensions/stranger.raw');
      const result = await e2e.run('remove app --yes');
      expect(result.status).toBe(16);
      expect(result.stderr).toMatch(/app: not removed: systemd-sysext refused.*\n {2}extupdate doctor says/);
      expect(has('opt/extensions/app/app-2-x86-64.raw')).toBe(true);
      expect(has('etc/extupdate/transfer.d/app.transfer')).toBe(true);
      expect(await e2e.cat('/usr/share/app/version')).toBe('2');
      await e2e.host.sh('rm -r /run/extensions');
      expect((await e2e.run('apply')).status).toBe(0);
    });

    it('takes it out of what is merged, stops what it brought, deletes it, and forgets it', async () => {
      await e2e.host.sh('systemctl daemon-reload; systemctl start app.service beside.service');
      const result = await e2e.run('remove app --yes');
      expect(result).toMatchObject({ status: 0, stdout: expect.stringMatching(/app: removed\n$/) });
      expect(result.stderr).toContain(
        'still running, from files that are gone: beside.service; stop them: systemctl stop beside.service',
      );
      expect(await e2e.merged()).toEqual([]);
      expect((await e2e.host.sh('systemctl stop beside.service; systemctl is-active app.service')).stdout).not.toBe(
        'active\n',
      );
      for (const path of ['opt/extensions/app', 'etc/extensions/app.raw', 'etc/extupdate/transfer.d/app.transfer']) {
        expect(has(path), path).toBe(false);
      }
      // The configuration that is merged over /etc shows the same.
      expect((await e2e.host.sh('ls /etc/extupdate/transfer.d /etc/extensions')).stdout).not.toContain('app');
      expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
      expect(await told('extensions', 'components')).toEqual([]);
    });

    it('of the last configuration extension gives /etc back; who mounts it himself is told', async () => {
      const unit =
        '[Service]\nType=exec\nExecStart=/usr/bin/sleep infinity\nExtensionImages=/var/lib/confexts/conf.raw.v\n';
      await e2e.host.sh(`mkdir -p /run/systemd/system; printf '${unit.replaceAll('\n', '\\n')}' > /run/systemd/system/user.service
        systemctl daemon-reload; systemctl start user.service`);
      const result = await e2e.run('remove conf --yes');
      expect(result).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('  in use by user.service, which mounts it itself'),
      });
      expect(result.stderr).toContain('user.service mounts it itself (ExtensionImages=): it keeps what it has');
      expect((await e2e.host.sh('systemctl is-active user.service')).stdout).toBe('active\n');
      expect(await e2e.merged('systemd-confext')).toEqual([]);
      expect((await e2e.host.sh('touch /etc/writable && rm /etc/writable')).status).toBe(0);
      expect(has('var/lib/confexts/conf.raw.v')).toBe(false);
      await e2e.host.reboot();
      expect([await e2e.merged(), await e2e.merged('systemd-confext')]).toEqual([[], []]);
    });
  });
});
