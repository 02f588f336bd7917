/** The fault catalogue, D: places that are not what they should be (reliability.md section 2). */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { calls, injecting, mayInject } from '../support/inject.ts';
import { mayMount, mountRamfs, mountTmpfs, remount, unmountAll } from '../support/mounts.ts';
import { inFull, onlySample } from '../support/sample.ts';
import { APP, imageOf, makeScene, type Scene } from '../support/scene.ts';

let scene: Scene;
const at = (path: string) => join(scene.world.root, path);
/** How often version 2 was downloaded; looking into an image asks for pieces of it. */
const downloads = () =>
  scene.world.server.requests.filter(({ path, status }) => path === '/app/app_2.raw' && status === 200).length;

describe('D: the target', () => {
  beforeEach(async () => {
    scene = await makeScene();
  });
  afterEach(() => scene.close());

  it('D97: .parked is a link to a directory of somebody else', async () => {
    mkdirSync(at('home/user'), { recursive: true });
    rmSync(at(`${APP}/.parked`), { recursive: true, force: true });
    symlinkSync('/home/user', at(`${APP}/.parked`));
    await scene.suffer({
      exit: 14,
      message: '.parked: is a symbolic link, leaving it alone',
      mend: () => {
        expect(readdirSync(at('home/user'))).toEqual([]);
        rmSync(at(`${APP}/.parked`));
      },
    });
  });

  inFull('D97: gc does not touch what a link in place of .parked leads to', async () => {
    mkdirSync(at('home/user'), { recursive: true });
    rmSync(at(`${APP}/.parked`), { recursive: true, force: true });
    for (const version of ['01', '02', '03']) writeFileSync(at(`home/user/app_0.${version}.raw`), '');
    symlinkSync('/home/user', at(`${APP}/.parked`));
    await scene.world.run(['gc']);
    expect(readdirSync(at('home/user'))).toHaveLength(3);
  });

  it('D97: a directory of the pattern is a link out of the target', async () => {
    mkdirSync(at('home/user'), { recursive: true });
    mkdirSync(at('srv/data'), { recursive: true });
    symlinkSync('/home/user', at('srv/data/new'));
    const target = { Path: '/srv/data', MatchPattern: 'new/app_@v.raw' };
    scene.define('app', { Target: { ...target, CurrentSymlink: [] }, 'X-Extupdate': { Kind: 'none' } });
    const told = await scene.world.run(['apply', 'app']);
    expect(told).toMatchObject({ status: 14 });
    expect(told.stderr).toMatch(/srv\/data\/new: is a symbolic link, leaving it alone\n {2}move it away/);
    expect(readdirSync(at('home/user'))).toEqual([]);
    rmSync(at('srv/data/new'));
    expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 0 });
    expect(readdirSync(at('srv/data/new'))).toEqual(['app_2.raw']);
  });

  it('D97: the final name is a link to a file of somebody else', async () => {
    scene.world.write('etc/shadow', 'secret');
    scene.define('app', {
      Target: { Path: '/var/lib/images', MatchPattern: 'app_@v.raw', CurrentSymlink: '/x/app.raw' },
    });
    mkdirSync(at('var/lib/images'), { recursive: true });
    symlinkSync('/etc/shadow', at('var/lib/images/app_2.raw'));
    await scene.suffer({
      exit: 14,
      message: 'app_2.raw: is a symbolic link, leaving it alone',
      mend: () => {
        expect(lstatSync(at('var/lib/images/app_2.raw')).isSymbolicLink()).toBe(true);
        expect(scene.world.read('etc/shadow')).toBe('secret');
        scene.define('app');
      },
    });
  });

  inFull('D97: that is a link itself is where its owner wants the versions', async () => {
    renameSync(at(APP), at('var/lib/elsewhere'));
    symlinkSync('../elsewhere', at(APP));
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    scene.expectActive('2');
    expect(lstatSync(at(APP)).isSymbolicLink()).toBe(true);
  });

  it.each(onlySample ? [APP] : [APP, 'var/lib'])('D99: everybody may write to %s', async (directory) => {
    chmodSync(at(directory), 0o777);
    // `other` lies below /var/lib, too.
    const everywhere = directory !== APP;
    await scene.suffer({
      exit: 3,
      everywhere,
      message: `/${directory} is writable by everybody`,
      next: `chmod o-w /${directory}`,
      mend: () => {
        expect(downloads(), 'nothing was downloaded').toBe(0);
        chmodSync(at(directory), 0o755);
      },
    });
  });

  it.skipIf(process.getuid?.() !== 0)('D99: it belongs to another user', async () => {
    chownSync(at(APP), 65534, 65534);
    await scene.suffer({
      exit: 3,
      message: 'belongs to the user 65534',
      next: 'chown root',
      mend: () => chownSync(at(APP), 0, 0),
    });
  });

  inFull('D99: rollback and select do not ask for it', async () => {
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    chmodSync(at(APP), 0o777);
    expect(await scene.world.run(['rollback', 'app'])).toMatchObject({ status: 0 });
    scene.expectActive('1');
    expect(await scene.world.run(['select'])).toMatchObject({ status: 0 });
    scene.expectActive('1');
  });

  it.each(onlySample ? ['000'] : ['000', '077'])('D101: umask %s', async (umask) => {
    const wrapper = ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'];
    const modes = (path: string): string[] =>
      readdirSync(at(path), { withFileTypes: true }).flatMap((entry) => {
        const name = join(path, entry.name);
        const mode = (statSync(at(name)).mode & 0o7777).toString(8);
        return [
          `${entry.isDirectory() ? 'd' : 'f'} ${mode} ${entry.name}`,
          ...(entry.isDirectory() ? modes(name) : []),
        ];
      });
    // Everything is made anew.
    for (const path of ['var/lib/extensions', 'var/lib/extupdate', 'run/extupdate'])
      rmSync(at(path), { recursive: true });
    expect(await scene.world.run(['apply'], { wrapper })).toMatchObject({ status: 0 });
    const found = ['var/lib/extensions', 'var/lib/extupdate', 'run/extupdate'].flatMap(modes);
    const [locks, others] = [found.filter((one) => /lock$/.test(one)), found.filter((one) => !/lock$/.test(one))];
    expect(locks.every((one) => one.startsWith('f 600 '))).toBe(true);
    expect([...new Set(others.map((one) => one.slice(0, one.lastIndexOf(' '))))].sort()).toEqual(['d 755', 'f 644']);
  });

  it.skipIf(process.getuid?.() !== 0).each(onlySample ? ['a'] : ['i', 'a'])('D102: chattr +%s', async (attribute) => {
    // What may only be added to cannot give a file its final name.
    const directory = at(attribute === 'i' ? APP : `${APP}/.parked`);
    mkdirSync(directory, { recursive: true });
    execFileSync('chattr', [`+${attribute}`, directory]);
    try {
      await scene.suffer({
        exit: 14,
        message: 'operation not permitted (EPERM)',
        next: 'lsattr',
        mend: () => void execFileSync('chattr', [`-${attribute}`, directory]),
      });
    } finally {
      execFileSync('chattr', [`-${attribute}`, directory]);
    }
  });

  it('D103: the name becomes too long', async () => {
    const version = `2.${'0'.repeat(20)}1`;
    await scene.publish({ 1: imageOf('1'), [version]: imageOf(version) });
    scene.define('app', { Target: { MatchPattern: [`app_@v.${'x'.repeat(240)}.raw`, 'app_@v.raw'] } });
    await scene.suffer({
      exit: 14,
      message: 'the file name is too long (ENAMETOOLONG)',
      next: 'MatchPattern=',
      mend: () => scene.define('app'),
      after: version,
    });
  });

  it.each(onlySample ? ['fifo'] : ['file', 'fifo'])('D–: it is a %s', async (kind) => {
    renameSync(at(APP), at('var/lib/aside'));
    if (kind === 'file') writeFileSync(at(APP), '');
    else execFileSync('mkfifo', [at(APP)]);
    const told = await scene.world.run(['apply']);
    expect(told.status, told.stderr).toBe(15);
    expect(told.stderr).toMatch(/app: .*not a directory.*\n {2}move/);
    rmSync(at(APP));
    renameSync(at('var/lib/aside'), at(APP));
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    scene.expectActive('2');
    scene.expectTidy();
  });

  it.skipIf(!mayInject())('D93: the disk cannot read what is installed', async () => {
    await scene.suffer({
      exit: 14,
      message: /app_1\.raw: .*input\/output error \(EIO\)/,
      next: 'repair',
      run: { wrapper: injecting({ calls: calls.read, error: 'EIO', path: at(`${APP}/app_1.raw`) }) },
    });
  });
});

describe.skipIf(!mayMount())('D: another file system', () => {
  afterEach(async () => {
    unmountAll();
    await scene.close();
  });

  it('D95: /var is read-only', async () => {
    scene = await makeScene({ prepare: (root) => mountTmpfs(join(root, 'var'), 'size=64M') });
    remount(at('var'), 'ro');
    await scene.suffer({
      exit: 14,
      everywhere: true,
      message: 'read-only file system (EROFS)',
      next: 'remount',
      mend: () => {
        expect(downloads(), 'nothing was downloaded').toBe(0);
        remount(at('var'), 'rw');
      },
    });
  });

  inFull('D95: only where the versions are is read-only', async () => {
    scene = await makeScene({ prepare: (root) => mountTmpfs(join(root, APP), 'size=64M') });
    remount(at(APP), 'ro');
    await scene.suffer({
      exit: 14,
      message: 'read-only file system (EROFS)',
      next: 'remount',
      mend: () => remount(at(APP), 'rw'),
    });
  });

  inFull('D96: staging is on another one', async () => {
    scene = await makeScene({ prepare: (root) => mountTmpfs(join(root, 'var/lib/extupdate/staging'), 'size=64M') });
    expect(await scene.world.run(['apply'])).toMatchObject({ status: 0 });
    scene.expectActive('2');
    scene.expectTidy();
  });

  inFull('D96: .parked is on another one', async () => {
    scene = await makeScene();
    mountTmpfs(at(`${APP}/.parked`), 'size=64M');
    await scene.suffer({
      exit: 14,
      message: 'is on another file system (EXDEV)',
      mend: () => unmountAll(),
    });
  });

  it('D107: it has no extended attributes, and does not tell how much is free', async () => {
    scene = await makeScene({ prepare: (root) => mountRamfs(join(root, APP)) });
    await scene.publish({ 1: imageOf('1'), '2.0+k1': imageOf('2.0+k1') });
    expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 0 });
    // Where the name cannot carry the version, the state does.
    expect(scene.world.names(APP)).toEqual(['.parked', 'app_1.raw', 'app_2.0.k1.raw']);
    expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    rmSync(at('var/lib/extupdate/state.json'));
    expect(await scene.world.run(['apply', 'app'])).toMatchObject({ status: 0 });
    expect(scene.world.names(APP)).toContain('app_2.0.k1.raw');
  });
});
