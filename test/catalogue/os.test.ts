/** The fault catalogue, O: the operating system changes under a run, or between two (reliability.md section 2). */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extensionImage } from '../support/images.ts';
import { mayMount, mountTmpfs, remount, unmountAll } from '../support/mounts.ts';
import { sha256 } from '../support/repository.ts';
import { inFull, onlySample } from '../support/sample.ts';
import { APP, imageOf, makeScene, type Scene } from '../support/scene.ts';

const YEAR = 365 * 24 * 3600 * 1000;

let scene: Scene;
beforeEach(async () => {
  scene = await makeScene();
});
afterEach(async () => {
  unmountAll();
  await scene.close();
});

const at = (path: string) => join(scene.world.root, path);
const run = (...args: string[]) => scene.world.run(args);
const images = () =>
  [...scene.world.names(APP), ...scene.world.names(`${APP}/.parked`)].filter((name) => name.endsWith('.raw')).sort();

/** An image for whatever its release file says. */
function imageFor(version: string, release: Record<string, string>): Buffer {
  return extensionImage({ name: 'app', release, files: { 'usr/share/app': version } });
}

/** What is active fits every OS; what is staged beside it only the first. */
async function acquireForFirst(): Promise<void> {
  const any = imageFor('1.5', { ID: '_any' });
  await scene.publish({ '1.5': any });
  expect(await run('apply', 'app')).toMatchObject({ status: 0 });
  await scene.publish({ '1.5': any, 2: imageOf('2') });
  expect(await run('acquire', 'app')).toMatchObject({ status: 0 });
}

/** A run whose wall clock jumps when a file is there. */
function jumping(flag: string, milliseconds: number) {
  const preload = fileURLToPath(new URL('../support/clock-jump.cjs', import.meta.url));
  return {
    env: {
      NODE_OPTIONS: `--require=${preload}`,
      EXTUPDATE_TEST_JUMP_AT: flag,
      EXTUPDATE_TEST_JUMP_MS: String(milliseconds),
    },
  };
}

describe('O: the OS is another one', () => {
  it('O128: between acquiring and installing: what does not fit stays staged, for the OS that it was for', async () => {
    await acquireForFirst();
    scene.world.setOs({ ID: 'testos', VERSION_ID: '2' });
    expect(await run('install', 'app')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    scene.expectActive('1.5');
    const staged = `var/lib/extupdate/staging/${sha256(imageOf('2'))}`;
    expect(existsSync(at(staged))).toBe(true);
    scene.world.setOs({ ID: 'testos', VERSION_ID: '1' });
    expect(await run('install', 'app')).toMatchObject({ status: 0 });
    scene.expectActive('2');
    expect(existsSync(at(staged))).toBe(false);
  });

  inFull('O128: between installing and activating', async () => {
    await acquireForFirst();
    expect(await run('install', '--no-activate', 'app')).toMatchObject({ status: 0 });
    scene.world.setOs({ ID: 'testos', VERSION_ID: '2' });
    expect(await run('install', 'app')).toMatchObject({ status: 0 });
    scene.expectActive('1.5');
    expect(images()).toContain('app_2.raw');
    scene.world.setOs({ ID: 'testos', VERSION_ID: '1' });
    expect(await run('select')).toMatchObject({ status: 0 });
    expect(await run('install', 'app')).toMatchObject({ status: 0 });
    scene.expectActive('2');
  });

  it('O136: with another ID or architecture all is judged anew, and nothing is deleted', async () => {
    const built = (version: string) => imageFor(version, { ID: 'testos', VERSION_ID: '1', ARCHITECTURE: 'x86-64' });
    await scene.publish({ 2: built('2') });
    expect(await run('apply', '--arch=x86-64', 'app')).toMatchObject({ status: 0 });
    await scene.publish({ 2: built('2'), 3: built('3') });
    expect(await run('apply', '--arch=x86-64', 'app')).toMatchObject({ status: 0 });
    scene.expectActive('3');
    const before = images();
    for (const [os, arch, active] of [
      // The first version is for every architecture.
      ['testos', 'arm64', '1'],
      ['testos', 'x86-64', '3'],
      // Nothing fits: things stay as they are.
      ['otheros', 'x86-64', '3'],
    ] as const) {
      scene.world.setOs({ ID: os, VERSION_ID: '1' });
      for (const command of ['select', 'apply', 'gc']) {
        const told = await run(command, `--arch=${arch}`, 'app');
        expect(told.stderr, `${command} on ${os}, ${arch}`).not.toContain('unexpected');
      }
      scene.expectActive(active);
      expect(images()).toEqual(before);
    }
    scene.world.setOs({ ID: 'testos', VERSION_ID: '1' });
    expect(await run('select', '--arch=x86-64')).toMatchObject({ status: 0 });
    scene.expectActive('3');
  });
});

describe('O: time', () => {
  it.each(onlySample ? [-YEAR] : [YEAR, -YEAR])(
    'O130: the clock jumps by %s ms in the middle of a run',
    async (jump) => {
      const flag = at('jump');
      const day = new Date(Date.now() + 24 * 3600 * 1000).toISOString().slice(0, 10);
      await scene.world.publish('app', {
        'app_1.raw': imageOf('1'),
        'app_2.raw': imageOf('2'),
        [`BEST-BEFORE-${day}`]: '',
      });
      scene.world.write('etc/extupdate.conf', '[Extupdate]\nMaxManifestAgeSec=1d\nRateLimit=10M\n');
      let cut = false;
      scene.world.server.intercept = (request, response, path) => {
        if (path !== '/app/app_2.raw' || request.headers.range !== undefined || cut) return false;
        // In the middle of the transfer, which then has to be taken up again.
        writeFileSync(flag, '');
        cut = true;
        const content = imageOf('2');
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 1000), () => response.destroy());
        return true;
      };
      const told = await scene.world.run(['apply'], jumping(flag, jump));
      expect(told.status, told.stderr).toBe(0);
      expect(cut).toBe(true);
      scene.expectActive('2');
      scene.expectTidy();
      // The clock did jump.
      const [last] = (scene.world.read('var/lib/extupdate/history.jsonl') ?? '').trim().split('\n').slice(-1);
      const distance = Math.abs(new Date(JSON.parse(last ?? '{}').at).getTime() - Date.now());
      expect(distance).toBeGreaterThan(YEAR / 2);
    },
  );

  it.skipIf(process.platform !== 'linux')('O134: the machine sleeps in the middle of a download', async () => {
    const content = extensionImage({
      name: 'app',
      release: { ID: 'testos', VERSION_ID: '1' },
      files: { 'usr/share/app': Buffer.alloc(4 * 1024 * 1024, 'sleep and wake up ') },
    });
    await scene.publish({ 1: imageOf('1'), 2: content });
    const partial = at(`var/lib/extupdate/staging/${sha256(content)}.partial`);
    let pid = 0;
    let slept = false;
    scene.world.server.intercept = (request, response, path) => {
      if (path !== '/app/app_2.raw' || request.headers.range !== undefined) return false;
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, Math.ceil(content.length / 2)));
      const timer = setInterval(() => {
        if ((statSync(partial, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
        clearInterval(timer);
        process.kill(pid, 'SIGSTOP');
        slept = true;
        // The other side gives up meanwhile.
        response.destroy();
        setTimeout(() => process.kill(pid, 'SIGCONT'), 100);
      }, 5);
      return true;
    };
    const told = await scene.world.run(['apply', 'app'], {
      onStart: (started) => {
        pid = started;
      },
    });
    expect(told.status, told.stderr).toBe(0);
    expect(slept).toBe(true);
    scene.expectActive('2');
    const resumed = scene.world.server.requests.filter(
      ({ status, headers }) => status === 206 && headers.range?.endsWith('-'),
    );
    expect(resumed.map(({ path }) => path)).toEqual(['/app/app_2.raw']);
  });
});

describe('O: going back', () => {
  it('O127: rollback, select and un-parking ask for no network, no key, no list and no clock', async () => {
    const versions = { 1: imageFor('1', { ID: '_any' }), 2: imageFor('2', { ID: '_any' }) };
    rmSync(at(APP), { recursive: true });
    rmSync(at('var/lib/extupdate'), { recursive: true });
    await scene.publish({ 1: versions[1] });
    expect(await run('apply', 'app')).toMatchObject({ status: 0 });
    await scene.publish(versions);
    expect(await run('apply', 'app')).toMatchObject({ status: 0 });
    scene.world.setOs({ ID: 'testos', VERSION_ID: '2' });
    expect(await run('apply', 'app')).toMatchObject({ status: 0 });

    // Everything that a judgement could be based on is gone, or speaks against all of them.
    rmSync(at('etc/systemd/import-pubring.pgp'));
    for (const name of scene.world.names('var/lib/extupdate/staging/manifests')) {
      const place = `var/lib/extupdate/staging/manifests/${name}`;
      scene.world.write(`${place}/SHA256SUMS`, `${'0'.repeat(64)}  BEST-BEFORE-2001-01-01\nnonsense`);
      scene.world.write(`${place}/signature`, 'nonsense');
    }
    await scene.world.server.close();
    writeFileSync(at('jump'), '');
    const far = (...args: string[]) => scene.world.run(args, jumping(at('jump'), -40 * YEAR));

    expect(await far('rollback', 'app')).toMatchObject({ status: 0 });
    scene.expectActive('1');
    scene.world.setOs({ ID: 'testos', VERSION_ID: '1' });
    expect(await far('select')).toMatchObject({ status: 0 });
    scene.expectActive('2');
    scene.world.setOs({ ID: 'testos', VERSION_ID: '2' });
    expect(await far('select')).toMatchObject({ status: 0 });
    scene.expectActive('1');
  });

  it('O127: what a killed run meant to try under another OS is the way back where it is good', async () => {
    scene.define('app', { Target: { InstancesMax: '2' } });
    expect(await run('apply', 'app')).toMatchObject({ status: 0 });
    const edit = (path: string, change: (value: Record<string, Record<string, unknown>>) => void) => {
      const value = JSON.parse(scene.world.read(path) ?? '{}');
      change(value);
      scene.world.write(path, JSON.stringify(value));
    };
    edit('var/lib/extupdate/os/testos:1.json', (record) => {
      const components = record.components as Record<string, Record<string, unknown>>;
      delete components.app?.planned;
    });
    edit('var/lib/extupdate/state.json', (state) => {
      state.trials = { app: { versions: ['2'], goesBack: false } };
      state.previous = { app: '1' };
    });
    await scene.publish({ 1: imageOf('1'), 2: imageOf('2'), 3: imageOf('3') });
    expect(await run('apply', 'app')).toMatchObject({ status: 0 });
    expect(images()).toEqual(['app_2.raw', 'app_3.raw']);
  });
});

describe('O: /var at boot', () => {
  it('O132: the boot unit is skipped without it, and waits for no mount', () => {
    const unit = readFileSync(new URL('../../units/extupdate-boot.service', import.meta.url), 'utf8');
    expect(unit).toMatch(/^ConditionPathIsDirectory=\/var\/lib\/extupdate$/m);
    expect(unit).not.toMatch(/^RequiresMountsFor=/m);
    expect(unit).toMatch(/^ExecStart=-/m);
  });

  it('O132: it is not there', async () => {
    rmSync(at('var'), { recursive: true });
    expect(await run('select')).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    expect(existsSync(at('var'))).toBe(false);
  });

  it.skipIf(!mayMount())('O132: it is empty, read-only, and then there', async () => {
    expect(await run('apply')).toMatchObject({ status: 0 });
    mountTmpfs(at('var'), 'size=1M');
    expect(await run('select')).toMatchObject({ status: 0 });
    expect(scene.world.names('var')).toEqual([]);
    remount(at('var'), 'ro');
    expect(await run('select')).toMatchObject({ status: 0 });
    unmountAll();
    expect(await run('select')).toMatchObject({ status: 0 });
    scene.expectActive('2');
  });
});
