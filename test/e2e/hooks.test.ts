import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { definition } from '../support/world.ts';

describeAlikeHosts('forky', 'hooks', (suite) => {
  let e2e: E2e;
  const os = (version: string) => ({ ID: 'testos', VERSION_ID: version });
  const files: Record<string, Buffer> = {};
  const offer = async (version: string, target: string) => {
    files[`app_${version}.raw`] = image('app', version, { release: os(target) });
    await e2e.publish('app', files);
  };
  /** Calls the plugin as tukit does: `PLUGIN finalize-pre PATH ID`. */
  const tukit = (path: string) =>
    e2e.host.sh(`/usr/lib/tukit/plugins/extupdate finalize-pre ${path} 7`, { timeoutMs: 120_000 });
  const newSnapshot = (version: string) => {
    e2e.write('tmp-snapshot/usr/lib/os-release', `ID=testos\nVERSION_ID=${version}\n`);
    e2e.write('tmp-snapshot/etc/hostname', 'x\n');
  };

  beforeAll(async () => {
    e2e = await startE2e(suite);
    e2e.define(
      'app',
      { Kind: 'sysext', Required: 'yes' },
      { Path: '/var/lib/extensions.d/app', CurrentSymlink: '/etc/extensions/app.raw' },
    );
    await e2e.installUnits('extupdate-boot.service');
    await offer('1', '1');
    expect((await e2e.run('apply')).status).toBe(0);
    newSnapshot('2');
  });
  afterAll(() => e2e?.stop());

  it('tukit: an OS update is refused while something required is missing, and other stages are none of ours', async () => {
    const refused = await tukit('/tmp-snapshot');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('app: no version fits testos 2');
    expect(refused.stderr).toContain('the OS update is refused');
    expect((await e2e.run('prepare --os-root=/tmp-snapshot')).status).toBe(17);
    expect((await e2e.host.sh('/usr/lib/tukit/plugins/extupdate init-pre')).status).toBe(0);
  });

  it('tukit: with the missing version published it goes through, links in the new /etc included', async () => {
    await offer('2', '2');
    expect(await tukit('/tmp-snapshot')).toMatchObject({ status: 0 });
    const link = await e2e.host.sh('readlink /tmp-snapshot/etc/extensions/app.raw /etc/extensions/app.raw');
    expect(link.stdout).toBe('../../var/lib/extensions.d/app/app_2.raw\n../../var/lib/extensions.d/app/app_1.raw\n');
  });

  it('tukit: with the network down, what is on disk decides', async () => {
    const url = e2e.server.url;
    e2e.server.intercept = (_request, response) => {
      response.destroy();
      return true;
    };
    expect(url).not.toBe('');
    const goes = await tukit('/tmp-snapshot');
    expect(goes.status).toBe(0);
    newSnapshot('3');
    const refused = await tukit('/tmp-snapshot');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('the OS update is refused');
    e2e.server.intercept = undefined;
  }, 600_000);

  it('tukit: without extupdate it goes through with a warning', async () => {
    const plugin = '/usr/lib/tukit/plugins/extupdate finalize-pre /tmp-snapshot 7';
    // As it is before it is installed, it looks in the search path.
    e2e.write('srv/before-os-update', readFileSync('units/hooks/before-os-update'));
    chmodSync(join(e2e.host.root, 'srv/before-os-update'), 0o755);
    const noProgram = await e2e.host.sh(`PATH=/nowhere EXTUPDATE_HOOK=/srv/before-os-update ${plugin}`);
    expect(noProgram).toMatchObject({ status: 0 });
    expect(noProgram.stderr).toContain('not installed, so extensions are not prepared');
    const noHook = await e2e.host.sh(`EXTUPDATE_HOOK=/nowhere ${plugin}`);
    expect(noHook).toMatchObject({ status: 0 });
    expect(noHook.stderr).toContain('extensions are not prepared');
  });

  it('Flatcar: oem-postinst gets the mounted /usr of the other slot', async () => {
    e2e.write('mnt-usr/lib/os-release', 'ID=testos\nVERSION_ID=3\n');
    const call = '/oem/bin/oem-postinst B /mnt-usr';
    expect((await e2e.host.sh(call)).status).toBe(1);
    await offer('3', '3');
    expect((await e2e.host.sh(call)).status).toBe(0);
    expect(existsSync(join(e2e.host.root, 'var/lib/extensions.d/app/app_3.raw'))).toBe(true);
  });

  it('Flatcar: without the hook it goes through with a warning', async () => {
    const call = await e2e.host.sh('EXTUPDATE_HOOK=/nowhere /oem/bin/oem-postinst B /mnt-usr');
    expect(call).toMatchObject({ status: 0 });
    expect(call.stderr).toContain('extensions are not prepared');
  });

  it('ostree: a staged deployment is prepared for by the path unit', async () => {
    await offer('4', '4');
    e2e.write('ostree/deploy/testos/deploy/abc.0/usr/lib/os-release', 'ID=testos\nVERSION_ID=1\n');
    e2e.write('ostree/deploy/testos/deploy/def.0/usr/lib/os-release', 'ID=testos\nVERSION_ID=4\n');
    await e2e.host.sh('mkdir -p /run/ostree; touch /run/ostree-booted; systemctl start extupdate-ostree.path');
    await e2e.host.sh('echo x > /run/ostree/staged-deployment');
    const waited = await e2e.host.sh(
      'until [ "$(systemctl show -P ExecMainExitTimestampMonotonic extupdate-prepare.service)" -gt 0 ]; do sleep 0.05; done; systemctl show -P Result extupdate-prepare.service',
    );
    expect(waited.stdout.trim()).toBe('success');
    expect(existsSync(join(e2e.host.root, 'var/lib/extensions.d/app/app_4.raw'))).toBe(true);
    const record = join(e2e.host.root, 'var/lib/extupdate/os/testos:4@def.0.json');
    expect(existsSync(record)).toBe(true);
    await e2e.host.sh('systemctl stop extupdate-ostree.path');
    rmSync(join(e2e.host.root, 'ostree'), { recursive: true });
  });

  // 257 has no call-outs.
  if (suite === 'trixie') return;
  it('systemd-sysupdate 262 tells, and what it brought is prepared for', async () => {
    await offer('5', '5');
    e2e.write('ostree/deploy/testos/deploy/abc.0/usr/lib/os-release', 'ID=testos\nVERSION_ID=1\n');
    e2e.write('ostree/deploy/testos/deploy/fff.0/usr/lib/os-release', 'ID=testos\nVERSION_ID=5\n');
    await e2e.host.sh('systemctl reset-failed; systemctl start extupdate-sysupdate-notify.socket');
    e2e.write('srv-os/os_7.img', 'x');
    e2e.write(
      'etc/sysupdate.os.d/os.transfer',
      definition({
        Source: { Type: 'regular-file', Path: '/srv-os', MatchPattern: 'os_@v.img' },
        Target: { Type: 'regular-file', Path: '/var/lib/os-images', MatchPattern: 'os_@v.img' },
      }),
    );
    await e2e.host.sh('mkdir -p /var/lib/os-images');
    expect(await e2e.sysupdate('--component=os --verify=no update')).toMatchObject({ status: 0 });
    // Joins the job that the call-out has started, and waits for it.
    expect(await e2e.host.sh('systemctl start extupdate-prepare.service')).toMatchObject({ status: 0 });
    const log = await e2e.host.sh('journalctl -b -o cat -u "extupdate-sysupdate-notify@*"');
    expect(log.stdout).toContain('Answer a notification of systemd-sysupdate');
    expect(existsSync(join(e2e.host.root, 'var/lib/extensions.d/app/app_5.raw'))).toBe(true);
  });
});
