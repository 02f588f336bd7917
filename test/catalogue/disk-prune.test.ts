/** The fault catalogue, D: what is removed, and what never is (reliability.md section 2). */
import { execFileSync, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mergedFileNames } from '../../src/apply/activate.ts';
import { mayInject } from '../support/inject.ts';
import { mayMount, unmountAll } from '../support/mounts.ts';
import { APP, imageOf, makeScene, type Scene } from '../support/scene.ts';

/** All of those that the catalogue names take a while to make. */
const OLD = process.env.EXTUPDATE_TEST_ALL ? 10_000 : 2_000;

let scene: Scene;
beforeEach(async () => {
  scene = await makeScene();
});
afterEach(() => scene.close());

const at = (path: string) => join(scene.world.root, path);
const images = () =>
  [...scene.world.names(APP), ...scene.world.names(`${APP}/.parked`)].filter((name) => /\.raw$/.test(name));

/** Publishes all versions up to one, and applies. */
async function update(version: number): Promise<void> {
  const versions = Array.from({ length: version }, (_, index) => String(index + 1));
  await scene.publish(Object.fromEntries(versions.map((one) => [one, imageOf(one)])));
  expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 0 });
  scene.expectActive(String(version));
}

describe('D: pruning', () => {
  it(`D104: of ${OLD} old files takes few processes, few syncs and little memory`, { timeout: 180_000 }, async () => {
    const old = at('image');
    writeFileSync(old, imageOf('0'));
    mkdirSync(at(`${APP}/.parked`), { recursive: true });
    for (let number = 0; number < OLD; number += 1) {
      linkSync(old, at(join(APP, number % 2 ? '.parked' : '', `app_0.${number}.raw`)));
    }
    const trace = at('trace');
    const counted = ['strace', '-f', '--seccomp-bpf', '-q', '-o', trace, '-e', 'trace=execve,fsync,fdatasync'];
    const told = await scene.world.run(['apply', 'app'], {
      ...(mayInject() ? { wrapper: counted } : {}),
      env: { NODE_OPTIONS: '--max-old-space-size=96' },
    });
    expect(told.status, told.stderr.slice(-2000)).toBe(0);
    expect(images().sort()).toEqual([`app_0.${OLD - 1}.raw`, 'app_1.raw', 'app_2.raw']);
    const calls = mayInject()
      ? readFileSync(trace, 'latin1')
          .split('\n')
          .filter((line) => / = 0$/.test(line))
      : [];
    expect(calls.length, calls.slice(0, 20).join('\n')).toBeLessThan(OLD / 10);
  });

  it('D105: InstancesMax=1 keeps two: what is active, and what one can go back to', async () => {
    scene.define('app', { Target: { InstancesMax: '1' } });
    for (const version of [2, 3, 4]) await update(version);
    expect(images().sort()).toEqual(['app_3.raw', 'app_4.raw']);
    expect(await scene.world.run(['rollback', 'app'])).toMatchObject({ status: 0 });
    scene.expectActive('3');
  });

  it.skipIf(process.getuid?.() !== 0)(
    'D105: nothing goes while what takes its place cannot become visible',
    async () => {
      scene.define('app', { Target: { InstancesMax: '2' } });
      await update(2);
      await scene.publish({ 1: imageOf('1'), 2: imageOf('2'), 3: imageOf('3') });
      execFileSync('chattr', ['+i', at(APP)]);
      try {
        expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 14 });
        expect(images().sort()).toEqual(['app_1.raw', 'app_2.raw', 'app_3.raw']);
      } finally {
        execFileSync('chattr', ['-i', at(APP)]);
      }
    },
  );

  it('D105: what is damaged does not count as the way back', async () => {
    scene.define('app', { Target: { InstancesMax: '2' } });
    await update(2);
    scene.world.write(`${APP}/app_2.raw`, Buffer.alloc(imageOf('2').length));
    await scene.publish({ 3: imageOf('3') });
    expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 0 });
    expect(await scene.world.run(['rollback', 'app'])).toMatchObject({ status: 0 });
    scene.expectActive('1');
  });

  it.skipIf(!mayInject())('D105: the old goes after the new is visible and on disk', async () => {
    scene.define('app', { Target: { InstancesMax: '2' } });
    await update(2);
    await scene.publish({ 1: imageOf('1'), 2: imageOf('2'), 3: imageOf('3') });
    const trace = at('trace');
    const traced = [
      'strace',
      '-f',
      '-y',
      '-q',
      '-o',
      trace,
      '-e',
      'trace=rename,renameat,renameat2,unlink,unlinkat,fsync',
    ];
    expect(await scene.world.run(['apply', 'app'], { wrapper: traced })).toMatchObject({ status: 0 });
    const lines = readFileSync(trace, 'latin1').split('\n');
    const first = (pattern: RegExp, after = 0) => lines.findIndex((line, index) => index > after && pattern.test(line));
    const shown = first(/rename.*\.parked\/app_3\.raw".*app\.raw\.v\/app_3\.raw"/);
    const synced = first(/fsync\([0-9]+<[^>]*app\.raw\.v>/, shown);
    const removed = first(/unlink.*app_1\.raw"/);
    expect(shown).toBeGreaterThan(0);
    expect(synced).toBeGreaterThan(shown);
    expect(removed).toBeGreaterThan(synced);
  });

  it.skipIf(!mayMount())('D106: an image behind a loop device counts as merged, and stays', async () => {
    const image = at('var/lib/in-use_1.raw');
    writeFileSync(image, Buffer.concat([imageOf('1'), Buffer.alloc(4096)]));
    const { stdout } = spawnSync('losetup', ['--find', '--show', '--read-only', image], { encoding: 'utf8' });
    try {
      expect(mergedFileNames()).toContain(basename(image));
    } finally {
      spawnSync('losetup', ['--detach', stdout.trim()]);
      unmountAll();
    }
    expect(mergedFileNames()).not.toContain(basename(image));
  });
});
