import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { askWeb, pollWeb, writeWebService } from '../support/web-service.ts';
import { definition } from '../support/world.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** A configuration extension, as `NAME_VERSION.raw` of a repository. */
function conf(name: string, ...versions: readonly string[]): Record<string, Buffer> {
  const files = versions.map((version) => [`${name}_${version}.raw`, image(name, version, { kind: 'confext' })]);
  return Object.fromEntries(files);
}

describeHosts('services with extensions of their own', (suite) => {
  let e2e: E2e;
  /** On 262, a reload mounts anew what a `.v` directory names. */
  const isRefreshing = suite === 'forky';
  const unit = (name: string, lines: readonly string[]) =>
    e2e.write(
      `etc/systemd/system/${name}.service`,
      ['[Service]', 'Type=exec', 'ExecStart=/bin/sleep infinity', ...lines, ''].join('\n'),
    );
  const mainPid = async (name: string) => (await e2e.host.sh(`systemctl show -P MainPID ${name}`)).stdout.trim();
  /** What a service sees, asked of the kernel and not of extupdate. */
  const sees = async (name: string, file: string) => e2e.cat(`/proc/${await mainPid(name)}/root/etc/${file}/version`);
  const services = async () => (await e2e.json('status')).services;
  const seenBy = async (name: string) => (await services())?.find((one) => one.unit === `${name}.service`);
  const defineWeb = (settings: Readonly<Record<string, string>> = {}) =>
    e2e.define('web', { HealthTimeoutSec: '2', ...settings }, { Path: '/var/lib/confexts/web.raw.v' });
  /** Its images are of no concern to the host: only services use them. */
  const defineApp = (settings: Readonly<Record<string, string>> = {}) =>
    e2e.define('app', { HealthTimeoutSec: '2', ...settings }, { Path: '/var/lib/app-config/app.raw.v' });
  const defineLinked = (settings: Readonly<Record<string, string>> = {}) =>
    e2e.define(
      'linked',
      { HealthTimeoutSec: '2', ...settings },
      { Path: '/var/lib/linked', CurrentSymlink: '/var/lib/linked.raw' },
    );

  beforeAll(async () => {
    e2e = await startE2e(suite);
    writeWebService(e2e, 'ExtensionImages=/var/lib/confexts/web.raw.v');
    // What the new configuration says decides how the reload ends; on 257 too, ExecReload= itself sees it.
    const reload = [
      'ExecReload=/bin/sh -c "case $$(cat /etc/app/version) in',
      '*refused) exit 3;; *deadly) kill $MAINPID; esac"',
    ].join(' ');
    unit('app', [reload, 'ExtensionImages=-/var/lib/app-config/app.raw.v/app___.raw:nosuid']);
    unit('rigid', ['ExtensionImages=/var/lib/app-config/app.raw.v']);
    // Another image has files in the same hierarchy.
    unit('linked', [
      'ExecReload=/bin/true',
      'ExtensionImages=/var/lib/linked.raw /var/lib/foreign/web.raw.v/web_1.raw',
    ]);
    unit('foreign', ['ExecReload=/bin/touch /run/foreign.reloaded', 'ExtensionImages=/var/lib/foreign/web.raw.v']);
    // It is there before its image is.
    unit('tree', ['ExecReload=/bin/true', 'ExtensionDirectories=-/var/lib/tree-config/tree.v']);
    e2e.write(
      'etc/extupdate/transfer.d/tree.transfer',
      definition({
        Source: { Type: 'directory', Path: '/srv/trees', MatchPattern: 'tree_@v' },
        Target: { Type: 'directory', Path: '/var/lib/tree-config/tree.v', MatchPattern: 'tree_@v' },
        'X-Extupdate': { HealthTimeoutSec: '2' },
      }),
    );
    unit('tool', ['ExecReload=/bin/true', 'ExtensionImages=/var/lib/tool-images/tool.raw.v']);
    e2e.write(
      'etc/extupdate/transfer.d/tool.transfer',
      definition({
        Source: { Type: 'regular-file', Path: '/srv/tools', MatchPattern: 'tool_@v.raw' },
        Target: { Path: '/var/lib/tool-images/tool.raw.v' },
        'X-Extupdate': { HealthTimeoutSec: '2', ExtensionServices: 'reload-or-restart' },
      }),
    );
    e2e.write(
      'etc/extupdate/transfer.d/site.transfer',
      readFileSync(join(repository, 'transfer.d/site.transfer.example')),
    );
    e2e.write('var/lib/foreign/web.raw.v/web_1.raw', image('web', '1', { kind: 'confext' }));
    defineWeb();
    defineApp();
    defineLinked();
    await e2e.publish('web', conf('web', '1'));
    await e2e.publish('app', conf('app', '1'));
    await e2e.publish('linked', conf('linked', '1'));
    // Before /etc is read-only.
    await e2e.installUnits('extupdate-boot.service');
    expect((await e2e.run('apply web app linked')).status).toBe(0);
    await e2e.host.sh('systemctl daemon-reload && systemctl start web app linked foreign');
  });
  afterAll(() => e2e?.stop());

  it('a service goes on without one failed request, and sees the new version where systemd can show it', async () => {
    const before = await mainPid('web');
    expect(await e2e.cat('/etc/web/version')).toBe('1');
    expect(await askWeb(e2e)).toBe(`1 ${before}`);
    await e2e.publish('web', conf('web', '1', '2'));
    const { result, polled } = await pollWeb(e2e, () => e2e.run('apply web'));
    expect(result).toMatchObject({ status: 0, stdout: 'web: activated 2 (was 1)\n' });
    expect(polled.failures).toBe(0);
    expect(polled.requests).toBeGreaterThan(10);
    // The host itself sees it at once.
    expect(await e2e.cat('/etc/web/version')).toBe('2');
    if (isRefreshing) {
      expect(polled.answers).toEqual([`1 ${before}`, `2 ${before}`]);
      expect(result.stderr).not.toContain('web.service');
      expect(await seenBy('web')).toEqual({ unit: 'web.service', component: 'web', version: '2', exposed: '2' });
    } else {
      expect(polled.answers).toEqual([`1 ${before}`]);
      expect(result.stderr).toContain('web: web.service was reloaded and still sees 1, not 2:');
      expect(result.stderr).toContain('ExtensionServices=reload-or-restart does it by itself');
      expect(await sees('web', 'web')).toBe('1');
      expect(await seenBy('web')).toEqual({ unit: 'web.service', component: 'web', version: '1', exposed: '2' });
    }
  });

  it('where the definition allows it, it is restarted, and only if a reload does not do', async () => {
    const before = await mainPid('web');
    defineWeb({ ExtensionServices: 'reload-or-restart' });
    await e2e.publish('web', conf('web', '2', '3'));
    const result = await e2e.run('apply web');
    expect(result).toMatchObject({ status: 0, stdout: 'web: activated 3 (was 2)\n' });
    expect(result.stderr).not.toContain('web.service');
    const after = await mainPid('web');
    expect(await askWeb(e2e)).toBe(`3 ${after}`);
    expect(after === before).toBe(isRefreshing);
    expect(await seenBy('web')).toMatchObject({ version: '3', exposed: '3' });
  });

  it('rollback goes back the same way, on the host and in the service', async () => {
    const before = await mainPid('web');
    const { result, polled } = await pollWeb(e2e, () => e2e.run('rollback web'));
    expect(result).toMatchObject({ status: 0, stdout: 'web: activated 2 (was 3)\n' });
    expect(await e2e.cat('/etc/web/version')).toBe('2');
    expect(await askWeb(e2e)).toBe(`2 ${await mainPid('web')}`);
    if (isRefreshing) expect(polled).toMatchObject({ failures: 0, answers: [`3 ${before}`, `2 ${before}`] });
    expect(polled.requests).toBeGreaterThan(10);
  });

  it('a version that is not healthy is taken back, and the service sees the one before again', async () => {
    defineWeb({
      ExtensionServices: 'reload-or-restart',
      HealthCheck: '/usr/bin/test "$(cut -c 1 /etc/web/version)" != 4',
    });
    await e2e.publish('web', conf('web', '2', '4'));
    const result = await e2e.run('apply web');
    expect(result.status).toBe(16);
    expect(result.stderr).toContain('2 is back');
    expect(await e2e.cat('/etc/web/version')).toBe('2');
    expect(await askWeb(e2e)).toBe(`2 ${await mainPid('web')}`);
  });

  it('status tells what services really see, by whom nothing was done too, and says what it may not see', async () => {
    defineApp({ ExtensionServices: 'ignore' });
    await e2e.publish('app', conf('app', '1', '2'));
    const before = await mainPid('app');
    expect(await e2e.run('apply app')).toMatchObject({ status: 0 });
    expect(await mainPid('app')).toBe(before);
    expect(await seenBy('app')).toEqual({ unit: 'app.service', component: 'app', version: '1', exposed: '2' });
    const { stdout } = await e2e.run('status app');
    expect(stdout).toMatch(/\n\nUNIT +COMPONENT +VERSION +EXPOSED\napp.service +app +1 +2\n$/);
    const unprivileged = await e2e.host.sh(
      'exec setpriv --reuid=65534 --regid=65534 --clear-groups /srv/node/bin/node /srv/extupdate/extupdate status app',
    );
    expect(unprivileged.status).toBe(0);
    expect(unprivileged.stdout).toMatch(/\napp.service +app +\? +2\n$/);
    expect(unprivileged.stderr).toContain('what services see is shown to root only');

    await e2e.host.sh('systemctl reload app');
    expect(await seenBy('app')).toMatchObject({ version: isRefreshing ? '2' : '1' });
    await e2e.host.sh('systemctl restart app');
    expect(await seenBy('app')).toMatchObject({ version: '2', exposed: '2' });
  });

  it('a unit that cannot be reloaded goes on, and this is said', async () => {
    await e2e.host.sh('systemctl start rigid');
    const before = await mainPid('rigid');
    defineApp();
    await e2e.publish('app', conf('app', '2', '3'));
    const result = await e2e.run('apply app');
    expect(result.status).toBe(0);
    expect(result.stderr).toContain(
      'app: rigid.service cannot be reloaded and goes on with 2, not 3, until it is restarted',
    );
    expect(await mainPid('rigid')).toBe(before);
    expect(await sees('rigid', 'app')).toBe('2');
    await e2e.host.sh('systemctl stop rigid; systemctl restart app');
  });

  it('a failed reload is said, and is no failure while the service is up', async () => {
    await e2e.publish('app', conf('app', '3', '4-refused'));
    const before = await mainPid('app');
    const result = await e2e.run('apply app');
    expect(result.status).toBe(0);
    expect(result.stderr).toContain('app: app.service could not be reloaded (exit-code)');
    expect(result.stderr).toContain(isRefreshing ? 'it sees 4-refused' : 'it still sees 3, not 4-refused');
    expect(await mainPid('app')).toBe(before);
    await e2e.host.sh('systemctl restart app');
  });

  it('a service that does not survive its reload takes the version back, and runs again', async () => {
    await e2e.publish('app', conf('app', '3', '5-deadly'));
    const result = await e2e.run('apply app');
    expect(result.status).toBe(16);
    expect(result.stderr).toMatch(/version 5-deadly is not healthy: app\.service .*; 4-refused is back/);
    expect(await sees('app', 'app')).toBe('4-refused');
    expect((await e2e.run('why app')).stdout).toContain('not healthy: app.service');
  });

  it('a path that leads to the image by a link is mounted anew by a restart only', async () => {
    const before = await mainPid('linked');
    await e2e.publish('linked', conf('linked', '1', '2'));
    const noticed = await e2e.run('apply linked');
    expect(noticed.status).toBe(0);
    expect(noticed.stderr).toContain('linked.service was reloaded and still sees 1, not 2');
    expect(noticed.stderr).toContain('for a unit that names a .v directory');
    expect(await seenBy('linked')).toMatchObject({ version: '1', exposed: '2' });
    defineLinked({ ExtensionServices: 'reload-or-restart' });
    await e2e.publish('linked', conf('linked', '2', '3'));
    expect((await e2e.run('apply linked')).status).toBe(0);
    expect(await mainPid('linked')).not.toBe(before);
    expect(await sees('linked', 'linked')).toBe('3');
  });

  it("leaves services alone whose image is somebody else's, and all of them with --no-refresh", async () => {
    expect((await e2e.host.sh('ls /run/foreign.reloaded')).status).not.toBe(0);
    expect(await seenBy('foreign')).toBeUndefined();
    const before = await sees('linked', 'linked');
    await e2e.publish('linked', conf('linked', '3', '4'));
    const result = await e2e.run('apply linked --no-refresh');
    expect(result.status).toBe(0);
    expect(await sees('linked', 'linked')).toBe(before);
    expect((await e2e.json('status --no-refresh')).services).toEqual([]);
    // What was not looked after is, by the next run that may.
    expect((await e2e.run('apply linked')).status).toBe(0);
    expect(await sees('linked', 'linked')).toBe('4');
  });

  it('select looks after services that run already', async () => {
    e2e.write('var/lib/confexts/web.raw.v/web_9.raw', image('web', '9', { kind: 'confext' }));
    await e2e.host.sh('systemctl restart web');
    expect(await seenBy('web')).toMatchObject({ version: '9', exposed: '9' });
    expect((await e2e.run('select')).status).toBe(0);
    expect(await e2e.cat('/etc/web/version')).toBe('2');
    expect(await askWeb(e2e)).toBe(`2 ${await mainPid('web')}`);
    expect(await seenBy('web')).toMatchObject({ version: '2', exposed: '2' });
  });

  it('a directory is an image as well', async () => {
    const publish = (version: string) => {
      const directory = `srv/trees/tree_${version}/etc`;
      e2e.write(`${directory}/extension-release.d/extension-release.tree`, 'ID=_any\n');
      e2e.write(`${directory}/tree/version`, version);
    };
    await e2e.host.sh('systemctl start tree');
    publish('1');
    const first = await e2e.run('apply tree');
    expect(first.status).toBe(0);
    expect(first.stderr).toContain('tree: tree.service was started without tree and goes on so, without 1,');
    expect(await seenBy('tree')).toEqual({ unit: 'tree.service', component: 'tree', version: null, exposed: '1' });
    await e2e.host.sh('systemctl restart tree');
    const before = await mainPid('tree');
    publish('2');
    const result = await e2e.run('apply tree');
    expect(result.status).toBe(0);
    expect(await mainPid('tree')).toBe(before);
    expect(await sees('tree', 'tree')).toBe(isRefreshing ? '2' : '1');
    expect(await seenBy('tree')).toMatchObject({ version: isRefreshing ? '2' : '1', exposed: '2' });
    expect(result.stderr.includes('tree.service was reloaded and still sees 1, not 2')).toBe(!isRefreshing);
  });

  it('an image over /usr takes a restart', async () => {
    e2e.write('srv/tools/tool_1.raw', image('tool', '1'));
    expect((await e2e.run('apply tool')).status).toBe(0);
    await e2e.host.sh('systemctl start tool');
    expect(await seenBy('tool')).toMatchObject({ version: '1', exposed: '1' });
    e2e.write('srv/tools/tool_2.raw', image('tool', '2'));
    expect((await e2e.run('apply tool')).status).toBe(0);
    expect(await e2e.cat(`/proc/${await mainPid('tool')}/root/usr/share/tool/version`)).toBe('2');
    expect(await seenBy('tool')).toMatchObject({ version: '2', exposed: '2' });
  });

  it('what is dropped into a directory is applied at once', async () => {
    // One after the other: what comes in while the first is applied is not missed.
    const drop = async (version: string) => {
      e2e.write(`var/lib/extupdate/incoming/site/.site_${version}.raw`, image('site', version, { kind: 'confext' }));
      await e2e.host.sh(`cd /var/lib/extupdate/incoming/site && mv .site_${version}.raw site_${version}.raw`);
    };
    const applied = (version: string) =>
      e2e.host.sh(`until [ "$(cat /etc/site/version)" = ${version} ]; do sleep 0.05; done`);
    await e2e.host.sh('systemctl start extupdate-incoming@site.path');
    await drop('1');
    await applied('1');
    await drop('2');
    await drop('3');
    await applied('3');
    const ended =
      'until [ "$(systemctl show -P ActiveState extupdate-incoming@site)" = inactive ]; do sleep 0.05; done';
    await e2e.host.sh(ended);
    expect((await e2e.host.sh('ls -A /var/lib/extupdate/incoming/site')).stdout).toBe('');
    expect((await e2e.host.sh('systemctl --failed --no-legend')).stdout).toBe('');
  });
});
