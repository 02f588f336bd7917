import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';

const os = (version: string) => ({ ID: 'testos', VERSION_ID: version });

/** What a service sees that starts in multi-user.target. */
const WITNESS = `[Unit]
After=basic.target
Before=multi-user.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'cat /usr/share/*/version /etc/*/version > /var/witness 2>/dev/null; true'
[Install]
WantedBy=multi-user.target
`;

describeAlikeHosts('forky', 'the OS moves, extupdate in the base OS', (suite) => {
  let e2e: E2e;
  const version = (name: string) => e2e.cat(`/usr/share/${name}/version`);
  const made = new Map<string, Buffer>();
  /** Publishes versions, each built for the OS version after the colon. */
  const offer = (name: string, ...builds: string[]) =>
    e2e.publish(
      name,
      Object.fromEntries(
        builds.map((build) => {
          const [one = '', target = ''] = build.split(':');
          const bytes = made.get(`${name} ${build}`) ?? image(name, one, { release: os(target) });
          made.set(`${name} ${build}`, bytes);
          return [`${name}_${one}.raw`, bytes];
        }),
      ),
    );
  /**
   * SHA-256 of the file behind every loop device: the very bytes that are merged. Those of other hosts are seen too, but
   * files of these names are in no other test.
   */
  const mergedHashes = async () => {
    const { stdout } = await e2e.host.sh(
      'for f in /sys/block/loop*/loop/backing_file; do sha256sum "$(cat $f)"; done | sort -u',
    );
    return stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  };
  const hash = (key: string) =>
    createHash('sha256')
      .update(made.get(key) ?? '')
      .digest('hex');
  /** What the timer starts, to its end. */
  const timerRun = () =>
    e2e.host.sh('systemctl start extupdate-install.service; systemctl start extupdate-activate.service');
  const witness = () => readFileSync(join(e2e.host.root, 'var/witness'), 'utf8');
  const journal = async () =>
    (await e2e.host.sh('journalctl -b -u extupdate-boot -u extupdate-bless --no-pager')).stdout;

  beforeAll(async () => {
    e2e = await startE2e(suite);
    for (const name of ['roam', 'roamweb']) e2e.define(name);
    e2e.write('etc/systemd/system/witness.service', WITNESS);
    // A boot is complete when this check passes.
    e2e.write(
      'etc/systemd/system/gate.service',
      '[Unit]\nBefore=boot-complete.target\n[Service]\nType=oneshot\nExecStart=/usr/bin/test ! -e /var/broken\n[Install]\nRequiredBy=boot-complete.target\n',
    );
    await e2e.installUnits('extupdate-boot.service', 'extupdate-bless.service', 'witness.service', 'gate.service');
    await offer('roam', '1:1');
    await offer('roamweb', '1:1');
    expect((await e2e.run('apply')).status).toBe(0);
    await e2e.host.reboot(os('1'));
  });
  afterAll(() => e2e?.stop());

  it('a boot without changes changes nothing, and is blessed', async () => {
    expect(await e2e.merged()).toEqual(['roam', 'roamweb']);
    const boots = JSON.parse(readFileSync(join(e2e.host.root, 'var/lib/extupdate/boots.json'), 'utf8')).boots;
    expect(boots.at(-1)).toMatchObject({ os: 'testos:1', blessed: true });
    expect((await e2e.run('select')).stdout).toBe('Nothing to do.\n');
  });

  it('O129: an OS that was prepared has every extension at its first boot, with the network cut off', async () => {
    await offer('roam', '1:1', '2:2');
    await offer('roamweb', '1:1', '2:2');
    e2e.write('next/os-release', 'ID=testos\nVERSION_ID=2\n');
    const prepared = await e2e.run('prepare --os-release=/next/os-release');
    expect(prepared).toMatchObject({ status: 0 });
    // The running OS is not touched.
    expect([await version('roam'), await version('roamweb')]).toEqual(['1', '1']);
    const check = await e2e.json('status --os');
    expect((check as unknown as { oses: unknown[] }).oses).toMatchObject([
      { name: 'testos:1', running: true, components: [{ version: '1' }, { version: '1' }] },
      { name: 'testos:2', running: false, components: [{ version: '2' }, { version: '2' }] },
    ]);
    await e2e.host.reboot(os('2'), { offline: true });
    expect(await e2e.merged()).toEqual(['roam', 'roamweb']);
    expect(witness()).toBe('22');
    expect(await mergedHashes()).toEqual([hash('roam 2:2'), hash('roamweb 2:2')].sort());
    const record = JSON.parse(readFileSync(join(e2e.host.root, 'var/lib/extupdate/os/testos:2.json'), 'utf8'));
    expect(record).toMatchObject({ format: 1, identity: 'testos:2', state: 'good' });
    expect(await journal()).not.toContain('refused');
  });

  it('O127: a rollback has exactly what was active there, before services start, offline; and forward again', async () => {
    await e2e.host.reboot(os('1'), { offline: true });
    expect(witness()).toBe('11');
    expect(await mergedHashes()).toEqual([hash('roam 1:1'), hash('roamweb 1:1')].sort());
    await e2e.host.reboot(os('2'), { offline: true });
    expect(witness()).toBe('22');
    expect(await mergedHashes()).toEqual([hash('roam 2:2'), hash('roamweb 2:2')].sort());
    // Nothing was merged twice in that boot.
    const merges = await e2e.host.sh('journalctl -b -o cat -u systemd-sysext | grep -c "Using extensions"');
    expect(merges.stdout.trim()).toBe('1');
  });

  it('an OS that was not prepared shows what fits, and the next run completes it', async () => {
    await offer('roam', '2:2', '3:3');
    // Of roamweb there is nothing for OS 3 yet.
    await e2e.host.reboot(os('3'), { offline: true });
    expect(witness()).toBe('');
    expect((await e2e.host.sh('systemctl is-failed extupdate-boot.service')).stdout.trim()).toBe('active');
    await e2e.host.reboot(os('3'));
    await timerRun();
    expect(await e2e.merged()).toEqual(['roam']);
    expect(await version('roam')).toBe('3');
    await offer('roamweb', '2:2', '3:3');
    await timerRun();
    expect(await e2e.merged()).toEqual(['roam', 'roamweb']);
  });

  it('what came in with an OS update that fails is held, until something newer appears', async () => {
    // Fits every OS: only its coming in with the failed one speaks against it.
    const any = { release: { ID: '_any' } };
    await e2e.publish('roam', { 'roam_3.raw': made.get('roam 3:3') ?? '', 'roam_4.raw': image('roam', '4', any) });
    await e2e.host.reboot(os('3'));
    writeFileSync(join(e2e.host.root, 'var/broken'), '');
    await e2e.host.reboot(os('4'));
    await e2e.run('apply');
    expect(await version('roam')).toBe('4');
    rmSync(join(e2e.host.root, 'var/broken'));
    await e2e.host.reboot(os('3'));
    expect(await version('roam')).toBe('3');
    for (const _ of [1, 2, 3]) {
      await timerRun();
      expect(await version('roam')).toBe('3');
    }
    expect((await e2e.run('why roam')).stdout).toMatch(/4 .*held/);
    await e2e.publish('roam', { 'roam_4.raw': image('roam', '4', any), 'roam_5.raw': image('roam', '5', any) });
    await timerRun();
    expect(await version('roam')).toBe('5');
  });

  it('a rollback by hand, of one and of all, works offline and stays', async () => {
    await offer('roamweb', '3:3', '3.1:3');
    const any = { release: { ID: '_any' } };
    await e2e.publish('roam', { 'roam_5.raw': image('roam', '5', any), 'roam_6.raw': image('roam', '6', any) });
    expect((await e2e.run('apply')).status).toBe(0);
    expect([await version('roam'), await version('roamweb')]).toEqual(['6', '3.1']);
    const requests = e2e.server.requests.length;
    expect(await e2e.run('rollback')).toMatchObject({
      status: 0,
      stdout: 'roam: activated 5 (was 6)\nroamweb: activated 3 (was 3.1)\n',
    });
    expect([await version('roam'), await version('roamweb')]).toEqual(['5', '3']);
    expect(e2e.server.requests.length).toBe(requests);
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(await e2e.run('unhold roamweb')).toMatchObject({ status: 0, stdout: 'roamweb: released 3.1\n' });
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'roamweb: activated 3.1 (was 3)\n' });
    expect(await e2e.run('rollback roamweb')).toMatchObject({ status: 0, stdout: 'roamweb: activated 3 (was 3.1)\n' });
    expect((await e2e.run('history')).stdout).toContain('rollback');
    await e2e.run('unhold roam roamweb');
  });

  it('where systemd-sysext.service is not enabled, it is started after the selection, and nobody waits', async () => {
    await e2e.host.sh('systemctl disable systemd-sysext.service');
    await e2e.host.reboot(os('2'), { offline: true });
    expect(await e2e.merged()).toEqual(['roam', 'roamweb']);
    expect(await version('roamweb')).toBe('2');
    const unit = await e2e.host.sh('systemctl show -P Result -P ExecMainStatus extupdate-boot.service');
    expect(unit.stdout.trim().split('\n')).toEqual(['success', '0']);
    await e2e.host.sh('systemctl enable systemd-sysext.service');
    await e2e.host.reboot(os('3'), { offline: true });
  });

  it('nothing is lost or left over by all that', () => {
    const kept = readdirSync(join(e2e.host.root, 'var/lib/extensions/roamweb.raw.v'), { recursive: true });
    expect(kept.map(String).filter((name) => name.endsWith('.raw')).length).toBeLessThanOrEqual(5);
    expect(existsSync(join(e2e.host.root, 'var/lib/extupdate/state.json.broken'))).toBe(false);
    mkdirSync(join(e2e.host.root, 'var/x'), { recursive: true });
  });
});
