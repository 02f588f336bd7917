import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSquashfs } from '../../../src/image/squashfs.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import {
  expectBigTreeXattrs,
  expectSameTree,
  hasProgram,
  imageTools,
  makeBigTree,
  makeSquashfs,
  sampled,
} from '../../support/make-images.ts';

let directory: string;
let tree: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'extupdate-squashfs-'));
  tree = join(directory, 'tree');
  await makeBigTree(tree);
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const compressors = ['gzip', 'xz', 'zstd', 'lz4'];
const variants: [string, string[]][] = [
  ...compressors.flatMap((comp): [string, string[]][] =>
    ['4K', '64K', '128K', '1M'].map((size) => [`${comp} ${size}`, ['-comp', comp, '-b', size]]),
  ),
  ['no fragments', ['-no-fragments']],
  ['always fragments', ['-always-use-fragments', '-b', '64K']],
  ['no tail ends, no duplicates', ['-no-duplicates', '-no-sparse']],
  ['uncompressed inodes', ['-noI']],
  ['uncompressed data', ['-noD']],
  ['uncompressed fragments', ['-noF']],
  ['uncompressed xattrs', ['-noX']],
  ['nothing compressed', ['-noI', '-noD', '-noF', '-noX', '-noId']],
  ['no export table', ['-no-exports']],
  ['lz4hc (compressor options)', ['-comp', 'lz4', '-Xhc']],
  ['gzip options', ['-comp', 'gzip', '-Xcompression-level', '1', '-Xwindow-size', '8', '-Xstrategy', 'huffman_only']],
  ['zstd 22 (compressor options)', ['-comp', 'zstd', '-Xcompression-level', '22']],
  ['xz dictionary', ['-comp', 'xz', '-Xdict-size', '100%']],
  ['xz BCJ (the program xz)', ['-comp', 'xz', '-Xbcj', 'x86,arm']],
  ['an offset table pad', ['-nopad']],
];

for (const tools of imageTools()) {
  describe.skipIf(tools.mksquashfs === undefined || !hasProgram('setfattr'))(`squashfs, ${tools.label} tools`, () => {
    it.each(sampled(variants, tools.label === 'newer' ? 4 : 3))(
      'reads the whole tree: %s',
      { timeout: 120_000 },
      async (_name, args) => {
        const path = join(directory, `${tools.label}.raw`);
        makeSquashfs(tools, tree, path, args);
        const image = await openSquashfs(bufferSource(await readFile(path), path));
        const { files } = await expectSameTree(image, tree);
        expect(files).toBeGreaterThan(440);
        await expectBigTreeXattrs(image);
      },
    );

    it.each(['lzo', 'lzma'])('refuses %s by name', async (compressor) => {
      const path = join(directory, `${tools.label}.raw`);
      makeSquashfs(tools, tree, path, ['-comp', compressor]);
      const source = bufferSource(await readFile(path), path);
      await expect(openSquashfs(source)).rejects.toThrow(`compressed with ${compressor}, which cannot be read here`);
    });

    it('has no attributes when the image has none', async () => {
      const path = join(directory, `${tools.label}.raw`);
      makeSquashfs(tools, tree, path, ['-no-xattrs']);
      const image = await openSquashfs(bufferSource(await readFile(path), path));
      expect(await image.readXattr('usr/lib', 'user.extension-release.strict')).toBeUndefined();
    });
  });
}
