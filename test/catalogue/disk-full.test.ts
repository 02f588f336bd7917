/** The fault catalogue, D: no space, no quota, no inodes (reliability.md section 2). */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { extensionImage } from '../support/images.ts';
import { calls, type Injection, injecting, mayInject } from '../support/inject.ts';
import { mayMount, mountImage, mountTmpfs, unmountAll, withoutBtrfs } from '../support/mounts.ts';
import { sha256 } from '../support/repository.ts';
import { inFull, onlySample } from '../support/sample.ts';
import { imageOf, makeScene, type Scene, type SceneOptions } from '../support/scene.ts';

const MIB = 1024 * 1024;
const PARTIAL = `var/lib/extupdate/staging/${sha256(imageOf('2'))}.partial`;

let scene: Scene;
afterEach(async () => {
  unmountAll();
  await scene.close();
});

async function set(options: SceneOptions = {}): Promise<void> {
  scene = await makeScene(options);
}

const at = (path: string) => join(scene.world.root, path);

/** Takes space of a file system until so many bytes are left. */
function fill(directory: string, left: number): void {
  const [free] = execFileSync('stat', ['-f', '-c', '%a %S', directory], { encoding: 'utf8' })
    .split(' ')
    .map(Number)
    .reduce<number[]>(([product = 1], factor) => [product * factor], []);
  const file = join(directory, 'filler');
  if ((free ?? 0) > left) writeFileSync(file, Buffer.alloc((free ?? 0) - left));
  // To the brim: what is left over by rounding goes, too.
  if (left === 0) spawnSync('dd', ['if=/dev/zero', `of=${file}-2`, 'bs=512'], { stdio: 'ignore' });
}

function empty(directory: string): void {
  for (const name of readdirSync(directory).filter((one) => one.startsWith('filler'))) rmSync(join(directory, name));
}

/** A scene whose version 2 is large enough to be written in several pieces. */
async function publishLarge(size: number): Promise<Buffer> {
  const large = extensionImage({
    name: 'app',
    release: { ID: 'testos', VERSION_ID: '1' },
    files: { 'usr/share/app': randomBytes(size) },
  });
  await scene.publish({ 1: imageOf('1'), 2: large });
  return large;
}

/** Serves version 2 in two parts, without or with a length; something happens once the first is on its way to the disk. */
function serveInTwo(content: Buffer, options: { readonly length: boolean; readonly between: () => void }): void {
  const partial = at(`var/lib/extupdate/staging/${sha256(content)}.partial`);
  const half = Math.floor(content.length / 2);
  scene.world.server.intercept = (request, response, path) => {
    if (path !== '/app/app_2.raw' || request.headers.range !== undefined) return false;
    response.writeHead(200, options.length ? { 'content-length': content.length } : {});
    response.write(content.subarray(0, half));
    const timer = setInterval(() => {
      if ((statSync(partial, { throwIfNoEntry: false })?.size ?? 0) === 0 && !response.destroyed) return;
      clearInterval(timer);
      options.between();
      response.end(content.subarray(half));
    }, 5);
    return true;
  };
}

describe.skipIf(!mayMount())('D: a file system that is full', () => {
  it('D88: before anything is written', async () => {
    await set({ prepare: (root) => mountTmpfs(root, 'size=40M') });
    fill(scene.world.root, 4 * MIB);
    await scene.suffer({
      exit: 14,
      everywhere: true,
      message: /not enough space: 17 MiB needed, [1-4] MiB free/,
      next: 'free some space',
      mend: () => empty(scene.world.root),
    });
  });

  inFull('D88: to the last byte', async () => {
    await set({ prepare: (root) => mountTmpfs(root, 'size=40M') });
    fill(scene.world.root, 0);
    await scene.suffer({
      exit: 14,
      everywhere: true,
      message: /not enough space|no space left on device \(ENOSPC\)/,
      next: 'free some space',
      mend: () => empty(scene.world.root),
    });
  });

  it.each(onlySample ? [false] : [false, true])(
    'D88, D89: while it is written, its length being told: %s',
    async (length) => {
      await set({ prepare: (root) => mountTmpfs(root, 'size=64M') });
      const large = await publishLarge(8 * MIB);
      serveInTwo(large, { length, between: () => fill(scene.world.root, 2 * MIB) });
      await scene.suffer({
        exit: 14,
        message: /not enough space|no space left on device \(ENOSPC\)/,
        next: 'free some space',
        mend: () => {
          scene.world.server.intercept = undefined;
          empty(scene.world.root);
        },
      });
    },
  );

  inFull('D–: no inode is left', async () => {
    await set({ prepare: (root) => mountTmpfs(root, 'size=64M,nr_inodes=200') });
    mkdirSync(at('many'));
    for (let number = 0; number < 300; number += 1) {
      try {
        writeFileSync(at(`many/${number}`), '');
      } catch {
        break;
      }
    }
    await scene.suffer({
      exit: 14,
      everywhere: true,
      message: 'no inode is left on the file system (ENOSPC)',
      next: 'df --inodes',
      mend: () => rmSync(at('many'), { recursive: true }),
    });
  });
});

describe.skipIf(!mayMount())('D: where only what is remembered lies is full', () => {
  it('D88: nothing becomes visible that could not be remembered', async () => {
    await set({
      prepare: (root) => {
        mountTmpfs(join(root, 'var/lib/extupdate'), 'size=1M');
        mountTmpfs(join(root, 'var/lib/extupdate/staging'), 'size=64M');
      },
    });
    fill(at('var/lib/extupdate'), 0);
    await scene.suffer({
      exit: 14,
      everywhere: true,
      message: /\/var\/lib\/extupdate\/(sources\/\w+|state)\.json: no space left on device \(ENOSPC\)/,
      mend: () => empty(at('var/lib/extupdate')),
    });
  });
});

describe.skipIf(!mayMount() || withoutBtrfs() !== undefined)('D: a quota', () => {
  it('D91: of a real file system', async () => {
    await set({
      prepare: (root) => {
        const place = join(root, 'var/lib/extupdate');
        mountImage(place, ['mkfs.btrfs', '--quiet'], 256);
        execFileSync('btrfs', ['quota', 'enable', place]);
        execFileSync('btrfs', ['subvolume', 'create', join(place, 'staging')], { stdio: 'ignore' });
      },
    });
    await publishLarge(4 * MIB);
    const staging = at('var/lib/extupdate/staging');
    execFileSync('btrfs', ['qgroup', 'limit', '1M', staging]);
    await scene.suffer({
      exit: 14,
      message: 'disk quota exceeded (EDQUOT)',
      next: 'raise the quota',
      mend: () => void execFileSync('btrfs', ['qgroup', 'limit', 'none', staging]),
    });
  });
});

describe.skipIf(!mayInject())('D: a step fails, and leaves nothing that a later one could trust', () => {
  const steps: [string, string, Omit<Injection, 'path'>, string][] = [
    ['D88', 'making the file', { calls: 'openat', error: 'ENOSPC' }, 'no space left on device (ENOSPC)'],
    ['D88', 'fsync', { calls: calls.sync, error: 'ENOSPC' }, 'no space left on device (ENOSPC)'],
    ['D88', 'rename', { calls: calls.rename, error: 'ENOSPC' }, 'no space left on device (ENOSPC)'],
    ['D91', 'close', { calls: calls.close, error: 'EDQUOT' }, 'disk quota exceeded (EDQUOT)'],
    ['D92', 'write', { calls: calls.write, error: 'EIO' }, 'input/output error (EIO)'],
    ['D92', 'fsync', { calls: calls.sync, error: 'EIO' }, 'input/output error (EIO)'],
    ['D92', 'close', { calls: calls.close, error: 'EIO' }, 'input/output error (EIO)'],
  ];
  for (const [number, name, injection, message] of steps) {
    (onlySample && (number !== 'D92' || name === 'close') ? inFull : it)(`${number}: ${name}`, async () => {
      await set();
      await scene.suffer({
        exit: 14,
        message,
        run: { wrapper: injecting({ ...injection, path: at(PARTIAL) }) },
        mend: () => {
          expect(existsSync(at(PARTIAL)), 'dropped, so that the next run writes a new file').toBe(false);
        },
      });
    });
  }

  it('D88, D103: the link that shows the version cannot be made', async () => {
    await set({ linked: true });
    await scene.suffer({
      exit: 14,
      message: 'operation not permitted (EPERM)',
      next: 'a file system that has symbolic links',
      run: { wrapper: injecting({ calls: calls.symlink, error: 'EPERM' }) },
    });
  });
});
