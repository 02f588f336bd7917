import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeHosts, type E2e, image, startE2e } from '../support/e2e.ts';

/** Ends when the whole chain of the timer has run after a moment that `systemctl show` told before. */
const chainEnded = `
  until [ "$(systemctl show -P ActiveEnterTimestamp extupdate.timer)" != "" ] &&
    [ "$(systemctl show -P ExecMainExitTimestampMonotonic extupdate-activate.service)" -gt "$1" ] &&
    [ "$(systemctl show -P ActiveState extupdate-activate.service)" = inactive ]; do sleep 0.05; done`;

describeHosts('units', (suite) => {
  let e2e: E2e;
  const version = (name: string) => e2e.cat(`/usr/share/${name}/version`);
  const offer = (...versions: string[]) =>
    e2e.publish('app', Object.fromEntries(versions.map((one) => [`app_${one}.raw`, image('app', one)])));
  const payloadRequests = (one: string) => e2e.server.requests.filter(({ path }) => path === `/app/app_${one}.raw`);
  const logOf = async (unit: string) => (await e2e.host.sh(`journalctl -b -o cat -u ${unit} --no-pager`)).stdout;

  beforeAll(async () => {
    e2e = await startE2e(suite);
    e2e.define('app');
    await e2e.installUnits('extupdate-boot.service', 'extupdate-bless.service');
    e2e.write(
      'etc/systemd/system/extupdate.timer.d/soon.conf',
      '[Timer]\nOnCalendar=\nOnBootSec=\nOnActiveSec=100ms\nRandomizedDelaySec=0\nAccuracySec=1ms\nPersistent=no\n',
    );
    await e2e.host.sh('systemctl daemon-reload');
    await offer('1');
    // A run by hand leaves files of root's in staging, which the confined run has to cope with.
    expect((await e2e.run('apply')).status).toBe(0);
  });
  afterAll(() => e2e?.stop());

  it('every unit is valid, and the boot has no ordering cycle, with either boot unit', async () => {
    const all = await e2e.host.sh(
      'cd /usr/lib/systemd/system; systemd-analyze verify extupdate*.service extupdate*.timer extupdate*.socket extupdate*.path',
    );
    expect(all.stderr.split('\n').filter((line) => /extupdate/.test(line))).toEqual([]);
    for (const [on, off] of [
      ['extupdate-boot', 'extupdate-boot-late'],
      ['extupdate-boot-late', 'extupdate-boot'],
    ]) {
      await e2e.host.sh(`systemctl disable -q ${off}; systemctl enable -q ${on} extupdate.timer extupdate-bless`);
      const { stderr } = await e2e.host.sh('systemd-analyze verify default.target');
      expect(stderr).not.toMatch(/cycle/i);
      expect(stderr).not.toContain('extupdate');
    }
    await e2e.host.sh('systemctl disable -q extupdate-boot-late extupdate.timer; systemctl enable -q extupdate-boot');
  });

  it('the timer brings a new version in, step by step, each with no more rights than it needs', async () => {
    await offer('1', '2');
    const { stdout } = await e2e.host.sh('cut -d. -f1 /proc/uptime');
    const started = Math.max(0, Number(stdout) - 1) * 1e6;
    expect((await e2e.host.sh('systemctl start extupdate.timer')).status).toBe(0);
    await e2e.host.exec(['sh', '-c', chainEnded, 'sh', String(started)]);
    expect(await version('app')).toBe('2');
    expect(await logOf('extupdate-acquire')).toContain('app: acquired 2');
    expect(await logOf('extupdate-install')).toContain('app: installed 2');
    expect(await logOf('extupdate-activate')).toContain('app: activated 2 (was 1)');
    expect(payloadRequests('2').filter(({ method, headers }) => method === 'GET' && !headers.range)).toHaveLength(1);
    const failed = await e2e.host.sh('systemctl list-units --failed --no-legend');
    expect(failed.stdout).not.toContain('extupdate');
    const owner = await e2e.host.sh('stat -c %U /var/lib/extupdate/os /var/lib/extupdate/state.json');
    expect(owner.stdout).toBe('root\nroot\n');
  });

  it('the next time has nothing to do, and does nothing twice', async () => {
    const before = payloadRequests('2').length;
    expect((await e2e.host.sh('systemctl start extupdate-install.service extupdate-activate.service')).status).toBe(0);
    expect(payloadRequests('2')).toHaveLength(before);
    expect(await logOf('extupdate-activate')).toContain('Nothing to do.');
    // By hand, after the confined run: root takes over what belongs to the dynamic user.
    await offer('1', '2', '3');
    expect((await e2e.run('apply')).stdout).toBe('app: activated 3 (was 2)\n');
    await offer('2', '3', '4');
    expect((await e2e.host.sh('systemctl start extupdate-install.service extupdate-activate.service')).status).toBe(0);
    expect(await version('app')).toBe('4');
  });

  it('a second run at the same time ends as busy, and --wait waits', async () => {
    await offer('4', '5');
    let reached: () => void = () => {};
    const downloading = new Promise<void>((resolve) => {
      reached = resolve;
    });
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    e2e.server.intercept = (request, response, path) => {
      if (path !== '/app/app_5.raw' || request.headers.range) return false;
      reached();
      void released.then(() => response.end(readFileSync(join(e2e.published, path))));
      return true;
    };
    const started = e2e.host.sh('systemctl start extupdate-install.service extupdate-activate.service');
    await downloading;
    const second = await e2e.run('apply');
    expect(second).toMatchObject({ status: 75 });
    expect(second.stderr).toMatch(/busy: "extupdate acquire" with process id [0-9]+ has been at work since/);
    const waiting = e2e.run('apply --wait=60');
    release();
    e2e.server.intercept = undefined;
    expect((await started).status).toBe(0);
    expect((await waiting).status).toBe(0);
    expect(await version('app')).toBe('5');
  });

  it('an acquire that fails does not stop what is staged', async () => {
    await offer('5', '6');
    expect((await e2e.run('acquire')).status).toBe(0);
    await e2e.server.close();
    await e2e.host.sh('systemctl start extupdate-install.service extupdate-activate.service');
    expect((await e2e.host.sh('systemctl is-failed extupdate-acquire.service')).stdout.trim()).toBe('failed');
    expect(await version('app')).toBe('6');
  });

  it('comes as an extension itself: what was merged for another OS is put right before multi-user.target', async () => {
    await e2e.host.sh('systemctl disable -q extupdate-boot; systemctl enable -q extupdate-boot-late');
    const os = { ID: 'testos', VERSION_ID: '2' };
    e2e.write(
      'etc/systemd/system/witness.service',
      '[Unit]\nAfter=basic.target extupdate-boot-late.service\nBefore=multi-user.target\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "cat /usr/share/app/version > /var/witness; true"\n[Install]\nWantedBy=multi-user.target\n',
    );
    await e2e.host.sh('systemctl enable -q witness');
    // As a rollback finds it: the newest is for another OS, and an older one for this OS is parked.
    e2e.write('var/lib/extensions/app.raw.v/.parked/app_1.1.raw', image('app', '1.1', { release: os }));
    await e2e.host.reboot(os, { offline: true });
    expect(await version('app')).toBe('1.1');
    expect(readFileSync(join(e2e.host.root, 'var/witness'), 'utf8')).toBe('1.1');
    await e2e.host.reboot({ ID: 'testos', VERSION_ID: '1' }, { offline: true });
    expect(await version('app')).toBe('6');
    expect(readFileSync(join(e2e.host.root, 'var/witness'), 'utf8')).toBe('6');
  });
});
