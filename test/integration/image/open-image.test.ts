/** Whole images in whole files: partition tables by sgdisk, and how much of a large image is read. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDirectory } from '../../../src/image/directory.ts';
import { partitionTypes } from '../../../src/image/gpt-types.ts';
import { openLocalFile } from '../../../src/image/local-file.ts';
import { openImage } from '../../../src/image/open-image.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import {
  expectSameTree,
  hasProgram,
  imageTools,
  makeBigTree,
  makeErofs,
  makeSquashfs,
  strictAttribute,
} from '../../support/make-images.ts';

const [tools] = imageTools();
const hasTools = tools?.mksquashfs !== undefined && tools.mkfsErofs !== undefined && hasProgram('setfattr');
const release = 'usr/lib/extension-release.d/extension-release.padded';
let directory: string;
let tree: string;
let squashfs: string;
let erofs: string;

beforeAll(async () => {
  if (tools === undefined || !hasTools) return;
  directory = await mkdtemp(join(tmpdir(), 'extupdate-open-image-'));
  tree = join(directory, 'tree');
  squashfs = join(directory, 'a.squashfs');
  erofs = join(directory, 'a.erofs');
  await makeBigTree(tree, { longestName: 240 });
  makeSquashfs(tools, tree, squashfs, ['-comp', 'zstd']);
  makeErofs(tools, tree, erofs, ['-zlz4hc', '-C65536']);
}, 60_000);
afterAll(async () => {
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

describe.skipIf(!hasTools)('openImage on files', () => {
  it('reads a plain directory like an image of it', async () => {
    await expectSameTree(await openDirectory(tree), tree);
  });

  it.each(['squashfs', 'erofs'] as const)('reads %s from a file', async (type) => {
    const file = await openLocalFile(type === 'squashfs' ? squashfs : erofs);
    const image = await openImage(file);
    expect(image.type).toBe(type);
    await expectSameTree(image, tree);
    await file.close();
  });

  it.skipIf(!hasProgram('sgdisk')).each(['root', 'usr'] as const)(
    'reads a %s partition made by sgdisk',
    async (kind) => {
      const disk = join(directory, 'disk.raw');
      await copyFile('/dev/null', disk);
      const size = (await stat(erofs)).size;
      await truncate(disk, size + 4 * 1024 * 1024);
      const type = partitionTypes['x86-64']?.[kind === 'root' ? 0 : 1] ?? '';
      execFileSync('sgdisk', ['-n', `1:2048:+${Math.ceil(size / 1024)}K`, '-t', `1:${type}`, disk], {
        stdio: 'ignore',
      });
      const handle = await open(disk, 'r+');
      await handle.write(await readFile(erofs), 0, size, 1024 * 1024);
      await handle.close();

      const file = await openLocalFile(disk);
      const image = await openImage(file);
      if (kind === 'root') await expectSameTree(image, tree);
      else expect((await image.readFile(`usr/${release}`, 1_000_000))?.length).toBeGreaterThan(100_000);
      await file.close();
    },
  );

  it.each(['squashfs', 'erofs'] as const)('reads little of %s to find the release file', async (type) => {
    const source = bufferSource(await readFile(type === 'squashfs' ? squashfs : erofs));
    const image = await openImage(source);
    expect(await image.readDirectory('usr/lib/extension-release.d')).toHaveLength(2);
    expect((await image.readFile(release, 1_000_000))?.length).toBeGreaterThan(100_000);
    expect(await image.readXattr(release, strictAttribute)).toBe('false');
    // Each read is one request when the image is remote.
    expect(source.reads.count).toBeLessThanOrEqual(4);
    expect(source.reads.bytes).toBeLessThan(512 * 1024);
    expect(source.size).toBeGreaterThan(3 * 1024 * 1024);
  });
});
