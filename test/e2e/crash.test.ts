/**
 * The fault catalogue, K, where systemd merges: the program is killed before what it changes below /var/lib, and before
 * each program that it starts, on a host that is up. A sample; all of them with EXTUPDATE_TEST_ALL=1.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildFaultrun, type Point, parsePoints, traceUnavailable } from '../crash/trace.ts';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';
import { sampled } from '../support/make-images.ts';

const unavailable = traceUnavailable();

describeAlikeHosts('forky', 'killed while it activates', (suite) => {
  let e2e: E2e;
  const version = async () => (await e2e.cat('/usr/share/app/version')).trim();

  beforeAll(async () => {
    if (unavailable !== undefined) return;
    e2e = await startE2e(suite);
    const directory = mkdtempSync(join(tmpdir(), 'extupdate-faultrun-'));
    e2e.write('usr/local/bin/faultrun', readFileSync(buildFaultrun(directory)));
    chmodSync(join(e2e.host.root, 'usr/local/bin/faultrun'), 0o755);
    rmSync(directory, { recursive: true });
    e2e.define('app', { HealthCheck: '/usr/local/bin/is-well', HealthTimeoutSec: '1' });
    judge('exit 0');
    await e2e.publish('app', { 'app_1.raw': image('app', '1') });
    expect((await e2e.run('apply')).status).toBe(0);
    await e2e.publish('app', { 'app_1.raw': image('app', '1'), 'app_2.raw': image('app', '2') });
    expect((await e2e.run('acquire')).status).toBe(0);
    await e2e.host.sh('mkdir /srv/base && cp -a /var/lib/extensions /var/lib/extupdate /srv/base');
  });
  afterAll(() => e2e?.stop());

  function judge(script: string): void {
    e2e.write('usr/local/bin/is-well', `#!/bin/sh\n${script}\n`);
    chmodSync(join(e2e.host.root, 'usr/local/bin/is-well'), 0o755);
  }

  /** Version 1 is active, and 2 is in staging. */
  async function reset(): Promise<void> {
    const script = `
      cd /var/lib && rm -rf extensions extupdate && cp -a /srv/base/. . &&
      systemctl reload-or-restart systemd-sysext.service`;
    expect(await e2e.host.sh(script)).toMatchObject({ status: 0 });
    expect(await version()).toBe('1');
  }

  /** Runs under faultrun, from the start. @returns the status, and what was changed and started */
  async function install(orders: string): Promise<{ readonly status: number; readonly points: readonly Point[] }> {
    await reset();
    const words = `faultrun below=/var/lib starts=1 log=/srv/points ${orders}`;
    const program = '/srv/node/bin/node /srv/extupdate/extupdate install';
    const { status } = await e2e.host.sh(`exec ${words} -- ${program}`, { env: { UV_THREADPOOL_SIZE: '1' } });
    return { status, points: parsePoints(readFileSync(join(e2e.host.root, 'srv/points'), 'utf8'), '') };
  }

  /** What comes after the new version has its name, one of each kind. */
  function worthwhile(points: readonly Point[], every: number): Point[] {
    const begin = points.findIndex(({ call, what }) => call.startsWith('rename') && what.endsWith('/app_2.raw'));
    const kinds = points.map(({ call, what }) => `${call} ${what.replace(/.*\//, '')}`);
    const first = points.filter(
      ({ at }, index) => at > 1 && index >= begin && kinds.indexOf(kinds[index] ?? '') === index,
    );
    return sampled(process.env.EXTUPDATE_TEST_ALL === '1' ? points.slice(1) : first, every);
  }

  it.skipIf(unavailable !== undefined)('K117, K126: a version that becomes active', async () => {
    const { status, points } = await install('');
    expect(status).toBe(0);
    expect(await version()).toBe('2');
    expect(points.some(({ what }) => what.endsWith('/systemctl'))).toBe(true);
    for (const { at, call, what } of worthwhile(points, 4)) {
      const where = `${call} ${what}`;
      expect((await install(`at=${at} do=kill`)).status, where).toBe(137);
      expect(['1', '2'], where).toContain(await version());
      expect(await e2e.run('install'), where).toMatchObject({ status: 0 });
      expect(await version(), where).toBe('2');
      expect(await e2e.run('install'), where).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    }
    // Between unmerging and merging there is a moment without any.
    await reset();
    await e2e.host.exec(['systemd-sysext', 'unmerge']);
    expect(await e2e.run('install')).toMatchObject({ status: 0 });
    expect(await version()).toBe('2');
  });

  it.skipIf(unavailable !== undefined)('K117: a version that is taken back', async () => {
    judge('grep -q 1 /usr/share/app/version');
    const { status, points } = await install('');
    expect(status).toBe(16);
    expect(await version()).toBe('1');
    for (const { at, call, what } of worthwhile(points, 8)) {
      const where = `${call} ${what}`;
      expect((await install(`at=${at} do=kill`)).status, where).toBe(137);
      expect(['1', '2'], where).toContain(await version());
      // It is judged now, or was before.
      expect([0, 16], where).toContain((await e2e.run('install')).status);
      expect(await version(), where).toBe('1');
      expect(await e2e.run('install'), where).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    }
  });
});
