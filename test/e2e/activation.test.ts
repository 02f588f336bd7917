import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { definition } from '../support/world.ts';

/** An image that reads well and that the kernel refuses: its table of ids lies outside. */
function unmountable(name: string, version: string): Buffer {
  const bytes = Buffer.from(image(name, version));
  bytes.writeBigUInt64LE(BigInt(bytes.length * 2), 48);
  return bytes;
}

describeAlikeHosts('forky', 'activation', (suite) => {
  let e2e: E2e;
  const version = (name: string) => e2e.cat(`/usr/share/${name}/version`);
  const offer = (name: string, ...versions: string[]) =>
    e2e.publish(name, Object.fromEntries(versions.map((one) => [`${name}_${one}.raw`, image(name, one)])));

  beforeAll(async () => {
    e2e = await startE2e(suite);
    for (const name of ['app', 'web', 'tool']) {
      e2e.write(
        `etc/extupdate/transfer.d/${name}.transfer`,
        definition({
          Source: { Type: 'url-file', Path: `${e2e.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
          Target: { Path: `/var/lib/extensions/${name}.raw.v` },
        }),
      );
      await offer(name, '1');
    }
    expect((await e2e.run('apply')).status).toBe(0);
  });
  afterAll(() => e2e?.stop());

  it('an image that systemd refuses is found before it is visible; the others go in', async () => {
    await offer('app', '1', '2');
    await offer('tool', '1', '2');
    await e2e.publish('web', { 'web_1.raw': image('web', '1'), 'web_2.raw': unmountable('web', '2') });
    const merges = async () =>
      Number((await e2e.host.sh('journalctl -b -o cat -u systemd-sysext | grep -c "Using extensions"')).stdout);
    const before = await merges();
    const result = await e2e.run('apply');
    expect(result.status).toBe(15);
    expect(result.stderr).toContain('web: systemd refuses version 2');
    // The guilty one was found in test merges; the host merged once.
    expect(await merges()).toBe(before + 1);
    expect(await e2e.merged()).toEqual(['app', 'tool', 'web']);
    expect([await version('app'), await version('tool'), await version('web')]).toEqual(['2', '2', '1']);
  });

  it('it is not tried again, and a better image of the same version is', async () => {
    const [newest] = (await e2e.json('list web')).components[0]?.versions ?? [];
    expect(newest).toMatchObject({ version: '2', bad: true, reason: { code: 'bad' } });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    await offer('web', '1', '2');
    expect((await e2e.run('apply')).status).toBe(0);
    expect(await version('web')).toBe('2');
  });

  it('when systemd does not merge what was exposed, the previous set is back (16)', async () => {
    // An image of somebody else's breaks every merge, and extupdate may not touch it.
    e2e.write('var/lib/extensions/stranger.raw', '');
    await offer('app', '2', '3');
    const result = await e2e.run('apply app');
    expect(result.status).toBe(16);
    expect(result.stderr).toContain('stranger');
    expect(existsSync(join(e2e.host.root, 'var/lib/extensions/stranger.raw'))).toBe(true);
    expect(await version('app')).toBe('2');
    expect((await e2e.json('status app')).components[0]?.current).toBe('2');
    rmSync(join(e2e.host.root, 'var/lib/extensions/stranger.raw'));
    expect((await e2e.run('apply')).status).toBe(0);
    expect(await version('app')).toBe('3');
  });

  it('--no-refresh exposes and leaves merging to the next boot', async () => {
    await offer('app', '3', '4');
    expect(await e2e.run('apply --no-refresh')).toMatchObject({ status: 0, stdout: 'app: exposed 4 (was 3)\n' });
    expect(await version('app')).toBe('3');
    await e2e.host.reboot();
    expect(await version('app')).toBe('4');
  });

  it('a full disk is told before anything is downloaded, and free space is enough to go on (14)', async () => {
    await offer('web', '2', '3');
    await e2e.host.sh('mount -t tmpfs -o size=8M tmpfs /var/lib/extupdate/staging');
    const result = await e2e.run('apply web');
    expect(result.status).toBe(14);
    expect(result.stderr).toMatch(/staging: not enough space: [0-9]+ MiB needed, [0-9]+ MiB free/);
    expect(await version('web')).toBe('2');
    await e2e.host.sh('umount /var/lib/extupdate/staging');
    expect((await e2e.run('apply web')).status).toBe(0);
    expect(await version('web')).toBe('3');
  });

  it('the timer of systemd-sysupdate is told to be in the way', async () => {
    e2e.write(
      'etc/sysupdate.other.d/other.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${e2e.server.url}/web`, MatchPattern: 'web_@v.raw' },
        Target: { Path: '/var/lib/other' },
      }),
    );
    const timer = suite === 'trixie' ? 'systemd-sysupdate.timer' : 'systemd-sysupdate-update.timer';
    // In containers the timer is off by a condition.
    const dropIn = `/etc/systemd/system/${timer}.d`;
    await e2e.host.sh(
      `mkdir -p ${dropIn}; printf '[Unit]\\nConditionVirtualization=\\n' > ${dropIn}/x.conf; systemctl daemon-reload; systemctl start ${timer}`,
    );
    expect((await e2e.run('apply other')).stderr).toContain(`systemctl disable --now ${timer}`);
    await e2e.host.sh(`systemctl stop ${timer}; rm -r ${dropIn} /etc/sysupdate.other.d /var/lib/other`);
  });

  it('acquire and install are the two halves of apply', async () => {
    await offer('app', '4', '5');
    expect(await e2e.run('acquire')).toMatchObject({ status: 0, stdout: 'app: acquired 5 (was 4)\n' });
    expect(await version('app')).toBe('4');
    const requests = e2e.server.requests.length;
    expect(await e2e.run('install')).toMatchObject({ status: 0, stdout: 'app: activated 5 (was 4)\n' });
    expect(e2e.server.requests.length).toBe(requests);
    expect(await version('app')).toBe('5');
  });

  it('a confext is merged the same way', async () => {
    e2e.write(
      'etc/extupdate/transfer.d/conf.transfer',
      definition({
        Source: { Type: 'url-file', Path: `${e2e.server.url}/conf`, MatchPattern: 'conf_@v.raw' },
        Target: { Path: '/var/lib/confexts/conf.raw.v' },
      }),
    );
    const conf = (one: string) => image('conf', one, { kind: 'confext' });
    await e2e.publish('conf', { 'conf_1.raw': conf('1') });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'conf: activated 1\n' });
    expect(await e2e.merged('systemd-confext')).toEqual(['conf']);
    await e2e.publish('conf', { 'conf_2.raw': conf('2') });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'conf: activated 2 (was 1)\n' });
    expect(await e2e.cat('/etc/conf/version')).toBe('2');
  });
});
