import { existsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { inScratchDirectory } from '../../../src/os/scratch-directory.ts';

afterEach(() => vi.unstubAllEnvs());

it('a scratch directory is this user’s alone, and gone afterwards, also after a failure', async () => {
  const seen: string[] = [];
  const use = (failure?: Error) =>
    inScratchDirectory('test', async (directory) => {
      seen.push(directory);
      expect([dirname(directory), statSync(directory).mode & 0o777]).toEqual([tmpdir(), 0o700]);
      writeFileSync(join(directory, 'file'), 'x');
      if (failure) throw failure;
      return 'result';
    });
  expect(await use()).toBe('result');
  await expect(use(new Error('failure'))).rejects.toThrow('failure');
  expect(seen.map((directory) => existsSync(directory))).toEqual([false, false]);
  expect(new Set(seen).size).toBe(2);
});

it('where none can be made, the error says where', async () => {
  vi.stubEnv('TMPDIR', '/no/such/directory');
  await expect(inScratchDirectory('test', async () => {})).rejects.toMatchObject({
    exit: 14,
    message: '/no/such/directory: no such file or directory (ENOENT)',
  });
});
