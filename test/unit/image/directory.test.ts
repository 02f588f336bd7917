import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDirectory } from '../../../src/image/directory.ts';
import { hasProgram } from '../../support/make-images.ts';

let parent: string;
let root: string;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'extupdate-directory-'));
  root = join(parent, 'extension');
  await mkdir(join(root, 'usr/lib'), { recursive: true });
  await mkdir(join(parent, 'outside'));
  await writeFile(join(parent, 'outside/secret'), 'secret');
  await writeFile(join(root, 'usr/lib/os-release'), 'ID=debian\n');
  await symlink('os-release', join(root, 'usr/lib/link'));
  await symlink('../../outside', join(root, 'usr/out'));
  await symlink('lib', join(root, 'usr/in'));
  await symlink('extension', join(parent, 'alias'));
  execFileSync('mkfifo', [join(root, 'usr/lib/fifo')]);
});
afterAll(() => rm(parent, { recursive: true, force: true }));

describe('openDirectory', () => {
  it('lists and reads', async () => {
    const tree = await openDirectory(root);
    expect(tree.type).toBe('directory');
    expect(await tree.readDirectory('')).toEqual(['usr']);
    expect((await tree.readDirectory('usr/lib'))?.toSorted()).toEqual(['fifo', 'link', 'os-release']);
    expect((await tree.readFile('usr/lib/os-release', 100))?.toString()).toBe('ID=debian\n');
    expect(await tree.readFile('usr/lib', 100)).toBeUndefined();
    expect(await tree.readDirectory('usr/lib/os-release')).toBeUndefined();
    expect(await tree.readFile('usr/lib/os-release/below', 100)).toBeUndefined();
    expect(await tree.readDirectory('absent')).toBeUndefined();
    await expect(tree.readFile('usr/lib/os-release', 9)).rejects.toMatchObject({ code: 'unsuitable' });
  });

  it.each(['usr/out/secret', 'usr/in/os-release', 'usr/lib/link', '../outside/secret', 'usr/lib/fifo'])(
    'does not read %s',
    async (path) => {
      expect(await (await openDirectory(root)).readFile(path, 100)).toBeUndefined();
    },
  );

  it.each(['usr/out', 'usr/in', '..', 'usr/../..'])('does not list %s', async (path) => {
    expect(await (await openDirectory(root)).readDirectory(path)).toBeUndefined();
  });

  it('may itself be named by a link', async () => {
    const tree = await openDirectory(join(parent, 'alias'));
    expect((await tree.readFile('usr/lib/os-release', 100))?.toString()).toBe('ID=debian\n');
  });

  it.skipIf(!hasProgram('getfattr') || !hasProgram('setfattr'))('reads attributes with getfattr', async () => {
    execFileSync('setfattr', ['-n', 'user.x', '-v', 'value', join(root, 'usr/lib/os-release')]);
    const tree = await openDirectory(root);
    expect(await tree.readXattr('usr/lib/os-release', 'user.x')).toBe('value');
    expect(await tree.readXattr('usr/lib/os-release', 'user.unset')).toBeUndefined();
    expect(await tree.readXattr('usr/lib/link', 'user.x')).toBeUndefined();
  });

  it('has no attributes without getfattr', async () => {
    const path = process.env.PATH;
    process.env.PATH = '/nonexistent';
    try {
      expect(await (await openDirectory(root)).readXattr('usr/lib/os-release', 'user.x')).toBeUndefined();
    } finally {
      process.env.PATH = path;
    }
  });

  it('refuses what is no directory', async () => {
    await expect(openDirectory(join(root, 'usr/lib/os-release'))).rejects.toMatchObject({ code: 'unsuitable' });
    await expect(openDirectory(join(root, 'absent'))).rejects.toMatchObject({ code: 'storage', message: /ENOENT/ });
  });
});
