import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { extensionImage } from '../support/images.ts';
import { definition } from '../support/world.ts';

describeAlikeHosts('forky', 'Flatcar layout below a read-only /etc and /opt', (suite) => {
  let e2e: E2e;
  // /opt is empty when it is merged first: what is written into it later is not seen through the overlay at all.
  beforeAll(async () => {
    e2e = await startE2e(suite);
    // A confext makes /etc read-only, a sysext with /opt content makes /opt read-only.
    e2e.write('var/lib/confexts/conf.raw', image('conf', '1', { kind: 'confext' }));
    e2e.write('var/lib/extensions/opt.raw', extensionImage({ name: 'opt', files: { 'opt/thing/version': '1' } }));
    e2e.write(
      'etc/sysupdate.app.d/app.conf',
      definition({
        Transfer: { Verify: 'false' },
        Source: { Type: 'url-file', Path: `${e2e.server.url}/extensions/app/`, MatchPattern: 'app-@v-%a.raw' },
        Target: {
          InstancesMax: '3',
          Type: 'regular-file',
          Path: '/opt/extensions/app',
          CurrentSymlink: '/etc/extensions/app.raw',
        },
      }),
    );
    await e2e.publish('extensions/app', { 'app-1-x86-64.raw': image('app', '1') });
    await e2e.host.exec(['systemctl', 'reload-or-restart', 'systemd-confext']);
    await e2e.host.exec(['systemctl', 'reload-or-restart', 'systemd-sysext']);
  });
  afterAll(() => e2e?.stop());

  it('has both merged and read-only to begin with', async () => {
    expect(await e2e.merged('systemd-confext')).toEqual(['conf']);
    expect(await e2e.merged()).toEqual(['opt']);
    expect((await e2e.host.sh('touch /etc/x; touch /opt/x')).stderr.match(/Read-only file system/g)).toHaveLength(2);
  });

  it('enables and disables below the merged /etc', async () => {
    const file = '/etc/sysupdate.app.component.d/50-systemd-sysupdate-enabled.conf';
    await e2e.host.sh(`cat ${file}`);
    expect(await e2e.run('disable app')).toMatchObject({ status: 0, stderr: '' });
    expect(await e2e.cat(file)).toContain('Enabled=no');
    expect((await e2e.run('apply')).stdout).toBe('Nothing to do.\n');
    expect(await e2e.run('enable app')).toMatchObject({ status: 0, stderr: '' });
    expect(await e2e.cat(file)).toContain('Enabled=yes');
    expect(await e2e.merged('systemd-confext')).toEqual(['conf']);

    const user = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
    const refused = await e2e.host.sh(`${user} /srv/node/bin/node /srv/extupdate/extupdate disable app`);
    expect(refused.status).toBe(14);
    expect(refused.stderr).toContain('cannot write below /etc, where extensions are merged');
    expect(refused.stderr).toContain('run as root, which writes below the merged /etc');
  });

  it('installs below them and merges', async () => {
    const result = await e2e.run('apply');
    expect(result.stderr).not.toContain('extupdate:');
    expect(result).toMatchObject({ status: 0, stdout: 'app: activated 1\n' });
    expect(readlinkSync(join(e2e.host.root, 'etc/extensions/app.raw'))).toBe(
      '../../opt/extensions/app/app-1-x86-64.raw',
    );
    expect(await e2e.merged()).toEqual(['app', 'opt']);
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
  });

  it('updates below them, although their names were looked up before', async () => {
    await e2e.host.sh('cat /etc/extensions/app.raw | wc -c; ls -l /opt/extensions/app/app-2-x86-64.raw');
    await e2e.publish('extensions/app', { 'app-2-x86-64.raw': image('app', '2') });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'app: activated 2 (was 1)\n' });
    expect(await e2e.cat('/usr/share/app/version')).toBe('2');
    expect((await e2e.host.exec(['readlink', '/etc/extensions/app.raw'])).stdout).toContain('app-2-x86-64.raw');
    expect(await e2e.merged('systemd-confext')).toEqual(['conf']);
    expect(await e2e.cat('/opt/thing/version')).toBe('1');
  });

  it('goes back the same way', async () => {
    await e2e.publish('extensions/app', {
      'app-1-x86-64.raw': image('app', '1'),
      'app-2-x86-64.raw': image('app', '2'),
    });
    expect(await e2e.run('apply app@1')).toMatchObject({ status: 0, stdout: 'app: activated 1 (was 2)\n' });
    expect(await e2e.cat('/usr/share/app/version')).toBe('1');
  });
});
