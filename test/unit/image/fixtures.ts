/** What is in the frozen images; see test/fixtures/images/README.md. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { ImageFileSystem } from '../../../src/image/image-file-system.ts';
import { releaseFile } from '../../support/image-fixtures.ts';

export const release = `ID=debian\nVERSION_ID=13\n${'# padding\n'.repeat(100)}`;
const prose = Array.from({ length: 121 }, (_, index) => `line ${index + 1} of a text that compresses\n`).join('');

const noise = Array.from({ length: 48 }, (_, index) =>
  createHash('sha256')
    .update(`${index + 1}`)
    .digest(),
);

const inAll: Readonly<Record<string, string>> = {
  [releaseFile]: release,
  'etc/extension-release.d/extension-release.fixture': 'ID=_any\n',
  'usr/lib/os-release': 'ID=debian\n',
};
const inMost = { 'usr/share/prose': prose, 'usr/share/hole': `${'\0'.repeat(5 * 1024)}tail` };
const inRows = {
  'usr/share/rows': prose.repeat(5),
  'usr/share/shifted': prose.repeat(5).slice(1000),
  'usr/share/noise': Buffer.concat(noise).toString('latin1'),
};

/** Files left out of some images to keep them small. */
const left: Readonly<Record<string, readonly string[]>> = {
  'plain.erofs': ['hole'],
  'extended.erofs': ['hole', 'prose'],
  'chunks.erofs': ['prose'],
  'blockmap.erofs': ['prose'],
  'rows-big.erofs': ['shifted'],
  'rows-extents.erofs': ['shifted'],
  'rows-fragments-full.erofs': ['shifted', 'noise'],
};

/** Checks every file, directory and attribute of an image made from the fixtures' tree. */
export async function expectFixture(image: ImageFileSystem, name: string): Promise<void> {
  const missing = left[name] ?? [];
  const contents = { ...inAll, ...(name.startsWith('rows-') ? inRows : inMost) };
  const isLeft = (path: string) => missing.some((entry) => path === `usr/share/${entry}`);
  const share = Object.keys(contents).filter((path) => path.startsWith('usr/share/') && !isLeft(path));
  expect((await image.readDirectory(''))?.toSorted()).toEqual(['etc', 'usr']);
  expect((await image.readDirectory('/usr/./'))?.toSorted()).toEqual(['lib', 'link', 'share']);
  expect((await image.readDirectory('usr/share'))?.toSorted()).toEqual(
    ['empty', ...share.map((path) => path.slice('usr/share/'.length))].toSorted(),
  );
  expect(await image.readDirectory('usr/share/empty')).toEqual([]);
  expect(await image.readDirectory('usr/lib/extension-release.d')).toEqual(['extension-release.fixture']);
  for (const [path, content] of Object.entries(contents)) {
    const found = (await image.readFile(path, 65_536))?.toString('latin1');
    expect(found, path).toBe(isLeft(path) ? undefined : content);
  }
  await expectRules(image);
}

/** What ImageFileSystem promises of any image. */
async function expectRules(image: ImageFileSystem): Promise<void> {
  expect(await image.readFile('usr/link', 65_536), 'a link is not followed').toBeUndefined();
  expect(await image.readFile('usr/lib', 65_536), 'a directory is no file').toBeUndefined();
  expect(await image.readFile('usr/absent', 65_536)).toBeUndefined();
  expect(await image.readFile('usr/lib/os-release/below', 65_536)).toBeUndefined();
  expect(await image.readFile('usr/../usr/lib/os-release', 65_536)).toBeUndefined();
  expect(await image.readDirectory('usr/lib/os-release')).toBeUndefined();
  expect(await image.readDirectory('usr/link')).toBeUndefined();
  expect(await image.readDirectory('absent')).toBeUndefined();
  expect(await image.readDirectory('usr/'.repeat(100))).toBeUndefined();
  expect(await image.readXattr(releaseFile, 'user.extension-release.strict')).toBe('false');
  expect(await image.readXattr(releaseFile, 'user.long')).toBe('x'.repeat(200));
  expect(await image.readXattr('usr/lib/os-release', 'user.long')).toBe('x'.repeat(200));
  expect(await image.readXattr('usr/lib/os-release', 'user.extension-release.strict')).toBeUndefined();
  expect(await image.readXattr('usr/share/empty', 'user.long')).toBeUndefined();
  expect(await image.readXattr('absent', 'user.long')).toBeUndefined();
  await expect(image.readFile(releaseFile, 100)).rejects.toThrow(/has 1024 bytes, more than the 100 that are sensible/);
}
