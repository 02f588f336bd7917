import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalFile } from '../../../src/image/local-file.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'extupdate-local-file-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('openLocalFile', () => {
  it('reads ranges and refuses those outside', async () => {
    const path = join(directory, 'a.raw');
    await writeFile(path, '0123456789');
    const file = await openLocalFile(path);
    expect(file).toMatchObject({ name: path, size: 10 });
    expect((await file.read(3, 4)).toString()).toBe('3456');
    await expect(file.read(8, 3)).rejects.toMatchObject({ code: 'unsuitable' });
    await truncate(path, 5);
    await expect(file.read(3, 4)).rejects.toMatchObject({ code: 'storage' });
    await file.close();
  });

  it('names the errno of what cannot be opened', async () => {
    const path = join(directory, 'absent');
    await expect(openLocalFile(path)).rejects.toMatchObject({
      code: 'storage',
      message: `${path}: cannot open: no such file or directory (ENOENT)`,
    });
  });

  it('does not follow a link', async () => {
    const path = join(directory, 'link');
    await symlink('a.raw', path);
    await expect(openLocalFile(path)).rejects.toMatchObject({ code: 'storage', message: /ELOOP/ });
  });

  it('refuses directories, and FIFOs without waiting for a writer', async () => {
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await expect(openLocalFile(fifo)).rejects.toMatchObject({
      code: 'unsuitable',
      message: `${fifo}: not a regular file`,
    });
    await expect(openLocalFile(directory)).rejects.toMatchObject({ code: 'unsuitable' });
  });
});
