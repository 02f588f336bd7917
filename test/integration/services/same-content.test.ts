import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openDirectory } from '../../../src/image/directory.ts';
import { openImage } from '../../../src/image/open-image.ts';
import { compareWithView } from '../../../src/services/same-content.ts';
import { extensionImage } from '../../support/images.ts';

const LIMITS = { files: 100, fileSize: 1024, total: 4096 };
const FILES = { 'etc/web/a/one': 'one', 'etc/web/two': 'two' };

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'extupdate-view-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** A root as a process might see it: with files of the host, too. */
function view(files: Readonly<Record<string, string>>): string {
  for (const [path, content] of Object.entries({ 'etc/hostname': 'host', ...files })) {
    mkdirSync(dirname(join(base, path)), { recursive: true });
    writeFileSync(join(base, path), content);
  }
  return base;
}

function image(files: Readonly<Record<string, string>>, kind: 'confext' | 'sysext' = 'confext') {
  const bytes = extensionImage({ name: 'web', kind, files });
  const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
  return openImage({ name: 'web.raw', size: bytes.length, read });
}

const RELEASE = { 'etc/extension-release.d/extension-release.web': 'ID=_any\n' };

it.each<[string, Record<string, string>, string]>([
  ['all of it', { ...RELEASE, ...FILES }, 'same'],
  ['another content of the same size', { ...RELEASE, ...FILES, 'etc/web/two': 'TWO' }, 'different'],
  ['another size', { ...RELEASE, ...FILES, 'etc/web/two': 'two and more' }, 'different'],
  ['a file less', { ...RELEASE, 'etc/web/two': 'two' }, 'different'],
  ['no release file', FILES, 'absent'],
  ['nothing', {}, 'absent'],
])('%s', async (_, files, expected) => {
  expect(await compareWithView(view(files), await image(FILES), LIMITS)).toBe(expected);
});

it('compares what is merged over /usr, too', async () => {
  const files = { 'usr/lib/web/version': '1' };
  const release = { 'usr/lib/extension-release.d/extension-release.web': 'ID=_any\n' };
  const root = view({ ...files, ...release });
  expect(await compareWithView(root, await image(files, 'sysext'), LIMITS)).toBe('same');
  expect(await compareWithView(root, await image({ 'usr/lib/web/version': '2' }, 'sysext'), LIMITS)).toBe('different');
});

it('takes large files by their size, and reads no more than it may', async () => {
  const large = 'x'.repeat(2000);
  const root = view({ ...RELEASE, 'etc/web/large': large.replaceAll('x', 'y') });
  const tree = await image({ 'etc/web/large': large });
  expect(await compareWithView(root, tree, LIMITS)).toBe('same');
  expect(await compareWithView(root, tree, { ...LIMITS, fileSize: 2000 })).toBe('different');
  expect(await compareWithView(root, tree, { ...LIMITS, fileSize: 2000, total: 1000 })).toBe('same');
});

it('follows no link in place of a file', async () => {
  const root = view({ ...RELEASE, 'etc/other': 'two' });
  mkdirSync(join(root, 'etc/web'));
  symlinkSync('../other', join(root, 'etc/web/two'));
  expect(await compareWithView(root, await image({ 'etc/web/two': 'two' }), LIMITS)).toBe('different');
});

it('compares with a directory in the same way', async () => {
  const root = view({ ...RELEASE, ...FILES });
  const copy = join(base, 'copy');
  cpSync(join(base, 'etc'), join(copy, 'etc'), { recursive: true });
  expect(await compareWithView(root, await openDirectory(copy), LIMITS)).toBe('same');
  writeFileSync(join(copy, 'etc/web/two'), 'TWO');
  expect(await compareWithView(root, await openDirectory(copy), LIMITS)).toBe('different');
});
