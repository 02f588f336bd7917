import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeAlikeHosts, type E2e, image, startE2e } from '../support/e2e.ts';

const MIB = 1024 * 1024;
const SIZE = 24 * MIB;

describeAlikeHosts('forky', 'a disk with room for one image and a half', (suite) => {
  // A name of its own: all hosts see the loop devices of the others, and what is behind one is not removed.
  let e2e: E2e;
  const version = (name: string) => e2e.cat(`/usr/share/${name}/version`);
  const big = (one: string, size = SIZE) =>
    image('roomy', one, { files: { 'usr/share/roomy/version': one, 'usr/share/roomy/data': randomBytes(size) } });
  const offered: Record<string, Buffer> = {};
  const offer = (one: string, size?: number) => {
    offered[`roomy_${one}.raw`] = big(one, size);
    return e2e.publish('roomy', offered);
  };

  beforeAll(async () => {
    e2e = await startE2e(suite);
    e2e.define('roomy', {}, { Path: '/var/lib/extensions/roomy.raw.v', InstancesMax: '3' });
    // The active image, one and a half beside it, and what is always left free.
    const size = SIZE + 1.5 * SIZE + 16 * MIB + 4 * MIB;
    await e2e.host.sh(
      `cp -a /var/lib /tmp/lib && mount -t tmpfs -o size=${size} tmpfs /var/lib && cp -a /tmp/lib/. /var/lib`,
    );
    await offer('1');
    expect((await e2e.run('apply')).status).toBe(0);
    await offer('2');
    expect((await e2e.run('apply')).status).toBe(0);
  });
  afterAll(() => e2e?.stop());

  it('updates, and says what it deleted first: never what is active', async () => {
    await offer('3');
    const result = await e2e.run('apply');
    expect(result).toMatchObject({ status: 0, stdout: 'roomy: activated 3 (was 2)\n' });
    expect(result.stderr).toContain('roomy: removed 1: space is needed, and it was the version to go back to');
    expect(await version('roomy')).toBe('3');
    expect((await e2e.run('history')).stdout).toMatch(/remove 1/);
    // The next time the one before is in the way.
    await offer('4');
    expect((await e2e.run('apply')).stderr).toContain('removed 2: space is needed');
    expect(await version('roomy')).toBe('4');
  });

  it('what does not fit beside the active one is refused, and the active one stays', async () => {
    await offer('5', 2.5 * SIZE);
    const result = await e2e.run('apply');
    expect(result.status).toBe(14);
    expect(result.stderr).toMatch(/not enough space: [0-9]+ MiB needed, [0-9]+ MiB free/);
    expect(await version('roomy')).toBe('4');
    delete offered['roomy_5.raw'];
    await offer('6');
    expect(await e2e.run('apply')).toMatchObject({ status: 0, stdout: 'roomy: activated 6 (was 4)\n' });
  });

  it('a run that may delete nothing leaves word for one that may', async () => {
    await offer('7');
    await e2e.run('gc');
    const acquired = await e2e.run('acquire');
    expect(acquired.status).toBe(14);
    expect((await e2e.run('install')).stderr).toContain('removed 4: space is needed');
    expect((await e2e.run('acquire')).status).toBe(0);
  });
});
