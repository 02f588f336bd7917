import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryPath } from '../../../src/os/atomic-file.ts';
import { removeTree } from '../../../src/os/remove-tree.ts';

let base: string;
let tree: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'extupdate-remove-'));
  tree = join(base, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  writeFileSync(join(tree, 'a/b/c'), '');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it('what is not there is no failure', async () => {
  await removeTree(join(base, 'not-there'));
});

it('what links lead to stays', async () => {
  symlinkSync(base, join(tree, 'out'));
  writeFileSync(join(base, 'stays'), '');
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  expect(existsSync(join(base, 'stays'))).toBe(true);
});

it('a tree that is deeper than a path can be long goes', async () => {
  const make = 'd=$(printf "n%.0s" $(seq 200)); i=0; while [ $i -lt 60 ]; do mkdir $d && cd -P $d; i=$((i+1)); done';
  execFileSync('bash', ['-c', `${make}; >f`], { cwd: tree });
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
});

it.runIf(process.getuid?.() === 0)('files that nobody may change go, as root', async (context) => {
  const locked = spawnSync('chattr', ['+i', join(tree, 'a/b/c')]);
  if (locked.status !== 0) return context.skip('the file system has no such attribute');
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
});

it.runIf(process.getuid?.() === 0)('what cannot be removed is told', async () => {
  // What has a temporary name already is not renamed before.
  const doomed = temporaryPath(tree);
  renameSync(tree, doomed);
  const mounted = join(doomed, 'a/mounted');
  mkdirSync(mounted);
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted]);
  try {
    await expect(removeTree(doomed)).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('cannot be removed'),
      next: `remove it with: rm -r ${doomed}`,
    });
  } finally {
    execFileSync('umount', [mounted]);
  }
});
