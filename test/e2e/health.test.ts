import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeHosts, type E2e, image, startE2e } from '../support/e2e.ts';

/** A service that the extension brings; it answers with its version, or does not get that far. */
function service(name: string, version: string, options: { readonly broken?: boolean; readonly keys?: object } = {}) {
  const command = options.broken
    ? '/bin/sh -c "exit 1"'
    : `/bin/sh -c "echo ${version} > /run/${name}.serves; exec sleep infinity"`;
  return image(name, version, {
    release: { ID: '_any', EXTENSION_RELOAD_MANAGER: '1', EXTENSION_RESTART_UNITS: `${name}.service`, ...options.keys },
    files: {
      [`usr/share/${name}/version`]: version,
      [`usr/lib/systemd/system/${name}.service`]: `[Service]\nExecStart=${command}\n`,
    },
  });
}

describeHosts('health', (suite) => {
  let e2e: E2e;
  const version = (name: string) => e2e.cat(`/usr/share/${name}/version`);
  const serves = async (name: string) => (await e2e.cat(`/run/${name}.serves`)).trim();
  const define = (name: string, settings?: Record<string, string>) => e2e.define(name, settings);

  beforeAll(async () => {
    e2e = await startE2e(suite);
    await e2e.installUnits('extupdate-boot.service', 'extupdate-bless.service');
    define('web', { HealthTimeoutSec: '6' });
    define('app', { HealthTimeoutSec: '6' });
    await e2e.publish('web', { 'web_1.raw': service('web', '1') });
    await e2e.publish('app', { 'app_1.raw': image('app', '1') });
    expect((await e2e.run('apply')).status).toBe(0);
  });
  afterAll(() => e2e?.stop());

  it('the service of a new version is restarted, by systemd or by extupdate', async () => {
    expect(await serves('web')).toBe('1');
    await e2e.publish('web', { 'web_1.raw': service('web', '1'), 'web_2.raw': service('web', '2') });
    expect((await e2e.run('apply')).status).toBe(0);
    expect(await serves('web')).toBe('2');
  });

  it('a version whose service fails is taken back within its timeout; the old one serves; the others go on', async () => {
    await e2e.publish('web', { 'web_2.raw': service('web', '2'), 'web_3.raw': service('web', '3', { broken: true }) });
    await e2e.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': image('app', '2') });
    const started = performance.now();
    const result = await e2e.run('apply');
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(result.stdout).toBe('app: activated 2 (was 1)\nweb: installed 3 (was 2)\n');
    expect(result.stderr).toContain('web: version 3 is not healthy: web.service failed; 2 is back');
    expect(result.status).toBe(15);
    expect([await version('web'), await version('app')]).toEqual(['2', '2']);
    await e2e.host.sh('until grep -q 2 /run/web.serves; do sleep 0.05; done');
    expect((await e2e.host.sh('systemctl is-active web.service')).stdout.trim()).toBe('active');
  });

  it('it is not tried again, and a fixed version is', async () => {
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect((await e2e.run('why web')).stdout).toContain('not healthy: web.service failed');
    await e2e.publish('web', {
      'web_3.raw': service('web', '3', { broken: true }),
      'web_3.1.raw': service('web', '3.1'),
    });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'web: activated 3.1 (was 2)\n' });
    expect(await serves('web')).toBe('3.1');
  });

  it('HealthCheck= as a command and as a unit decides; alone it fails with 16', async () => {
    define('app', { HealthTimeoutSec: '3', HealthCheck: '/usr/bin/grep -q good /usr/share/app/version' });
    await e2e.publish('app', { 'app_2.raw': image('app', '2'), 'app_3.raw': image('app', '3') });
    const refused = await e2e.run('apply app');
    expect(refused).toMatchObject({ status: 16 });
    expect(refused.stderr).toContain('HealthCheck=/usr/bin/grep -q good /usr/share/app/version failed');
    expect(await version('app')).toBe('2');
    await e2e.publish('app', { 'app_2.raw': image('app', '2'), 'app_4.raw': image('app', '4good') });
    expect((await e2e.run('apply app')).status).toBe(0);
    e2e.write(
      'etc/systemd/system/check.service',
      '[Service]\nType=oneshot\nExecStart=/usr/bin/grep -q better /usr/share/app/version\n',
    );
    await e2e.host.sh('systemctl daemon-reload');
    define('app', { HealthTimeoutSec: '3', HealthCheck: 'check.service' });
    await e2e.publish('app', { 'app_4.raw': image('app', '4good'), 'app_5.raw': image('app', '5') });
    expect((await e2e.run('apply app')).status).toBe(16);
    expect(await version('app')).toBe('4good');
    await e2e.publish('app', { 'app_5.raw': image('app', '5'), 'app_6.raw': image('app', '6better') });
    expect((await e2e.run('apply app')).status).toBe(0);
  });

  it('Activate=manual waits for a person', async () => {
    define('app', { Activate: 'manual' });
    await e2e.publish('app', { 'app_6.raw': image('app', '6better'), 'app_7.raw': image('app', '7') });
    const result = await e2e.run('apply app');
    expect(result).toMatchObject({ status: 0, stdout: 'app: installed for later: 7 (was 6)\n' });
    expect(await version('app')).toBe('6better');
    expect(await e2e.run('apply app')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect((await e2e.run('gc app')).stdout).toContain('waiting to become active');
    await e2e.host.reboot();
    await e2e.run('select');
    expect(await version('app')).toBe('6better');
    expect(await e2e.run('apply --now app')).toMatchObject({ status: 0, stdout: 'app: activated 7 (was 6)\n' });
    expect(await version('app')).toBe('7');
  });

  it('Activate=reboot waits for the boot, and health is judged after it', async () => {
    define('app', {
      Activate: 'reboot',
      HealthTimeoutSec: '3',
      HealthCheck: '/usr/bin/test ! -e /usr/share/app/version -o ! -e /var/sick',
    });
    await e2e.publish('app', { 'app_7.raw': image('app', '7'), 'app_8.raw': image('app', '8') });
    expect((await e2e.run('apply app')).stderr).toContain('8 becomes active at the next boot');
    expect(await version('app')).toBe('7');
    expect(await e2e.cat('/run/reboot-required')).toContain('restart required');
    // Selecting again in the same boot does not anticipate it.
    await e2e.run('select');
    expect(await version('app')).toBe('7');
    await e2e.host.reboot(undefined, { offline: true });
    expect(await version('app')).toBe('8');
    const record = () => JSON.parse(readFileSync(join(e2e.host.root, 'var/lib/extupdate/os/testos:1.json'), 'utf8'));
    expect(record()).toMatchObject({ state: 'good', components: { app: { version: '8' } } });

    await e2e.publish('app', { 'app_8.raw': image('app', '8'), 'app_9.raw': image('app', '9') });
    await e2e.host.reboot();
    expect((await e2e.run('apply app')).status).toBe(0);
    e2e.write('var/sick', '');
    await e2e.host.reboot(undefined, { offline: true });
    expect(await version('app')).toBe('8');
    expect((await e2e.host.sh('journalctl -b -o cat -u extupdate-bless')).stdout).toMatch(
      /version 9 is not healthy.*8 is back/,
    );
    expect(record()).toMatchObject({ state: 'good', components: { app: { version: '8' } } });
    expect(existsSync(join(e2e.host.root, 'var/lib/extensions/app.raw.v/app_8.raw'))).toBe(true);
    await e2e.host.reboot();
    expect(await version('app')).toBe('8');
  });

  it('what a killed run has made visible is judged by the next one, and can be taken back', async () => {
    e2e.write('var/sick', '');
    await e2e.run('unhold app');
    const check = { HealthTimeoutSec: '60', HealthCheck: '/usr/bin/test ! -e /var/sick' };
    define('app', check);
    await e2e.publish('app', { 'app_8.raw': image('app', '8'), 'app_10.raw': image('app', '10') });
    const killed = e2e.run('apply app');
    await e2e.host.sh(
      'until [ "$(cat /usr/share/app/version)" = 10 ]; do sleep 0.1; done; pkill -KILL -f "extupdate/extupdate apply"',
    );
    expect((await killed).status).not.toBe(0);
    expect(await version('app')).toBe('10');
    define('app', { ...check, HealthTimeoutSec: '3' });
    const next = await e2e.run('apply app');
    expect(next).toMatchObject({ status: 16 });
    expect(next.stderr).toMatch(/version 10 is not healthy.*8 is back/);
    expect(await version('app')).toBe('8');
  });

  it('what became visible with the boot is left to bless by runs before it', async () => {
    await e2e.host.sh('rm /var/sick; systemctl disable extupdate-bless.service');
    define('app', { Activate: 'reboot', HealthTimeoutSec: '3', HealthCheck: '/usr/bin/test ! -e /var/sick' });
    await e2e.publish('app', { 'app_8.raw': image('app', '8'), 'app_11.raw': image('app', '11') });
    expect((await e2e.run('apply app')).status).toBe(0);
    e2e.write('var/sick', '');
    await e2e.host.reboot();
    expect(await version('app')).toBe('11');
    expect(await e2e.run('apply app')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    const blessed = await e2e.run('bless');
    expect(blessed.stderr).toMatch(/version 11 is not healthy.*8 is back/);
    expect(await version('app')).toBe('8');
  });
});
