import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openErofs } from '../../../src/image/erofs.ts';
import { bufferSource } from '../../support/buffer-source.ts';
import {
  expectBigTreeXattrs,
  expectSameTree,
  hasProgram,
  imageTools,
  makeBigTree,
  makeErofs,
  sampled,
} from '../../support/make-images.ts';

let directory: string;
let tree: string;
let treeWithoutHoles: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'extupdate-erofs-'));
  tree = join(directory, 'tree');
  await makeBigTree(tree, { longestName: 240 });
  treeWithoutHoles = join(directory, 'tree-without-holes');
  await makeBigTree(treeWithoutHoles, { withSparseFile: false });
}, 60_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** What mkfs.erofs 1.5 (Debian 12) can do. */
const variants: [string, string[]][] = [
  ['uncompressed', []],
  ['compact inodes', ['-Eforce-inode-compact']],
  ['extended inodes', ['-Eforce-inode-extended']],
  ['nothing inline', ['-Enoinline_data']],
  ['no superblock checksum', ['-Enosbcrc']],
  ['chunks of 4K', ['--chunksize=4096']],
  ['chunks of 16K, indexes', ['--chunksize=16384', '-Eforce-chunk-indexes']],
  ['chunks of 1M, block map', ['--chunksize=1048576', '-Eforce-inode-blockmap']],
  ['xattrs all inline', ['-x1000']],
  ['xattrs all shared', ['-x0']],
  ...['lz4', 'lz4hc'].flatMap((comp): [string, string[]][] => [
    [comp, [`-z${comp}`]],
    [`${comp} full index`, [`-z${comp}`, '-Elegacy-compress']],
    ...['8192', '65536', '1048576'].map((size): [string, string[]] => [
      `${comp} big ${size}`,
      [`-z${comp}`, `-C${size}`],
    ]),
    [`${comp} big full index`, [`-z${comp}`, '-C65536', '-Elegacy-compress']],
    [`${comp} tail packing`, [`-z${comp}`, '-Eztailpacking']],
    [`${comp} tail packing big`, [`-z${comp}`, '-C32768', '-Eztailpacking']],
    [`${comp} fragments`, [`-z${comp}`, '-Efragments']],
    [`${comp} fragments 64K`, [`-z${comp}`, '-C65536', '-Efragments=65536']],
    [`${comp} fragments full index`, [`-z${comp}`, '-Efragments,legacy-compress']],
    [`${comp} short extents`, [`-z${comp}`, '-C16384', '--max-extent-bytes=65536']],
  ]),
];

/** What only newer ones can do (tried with 1.9). */
const newer: [string, string[]][] = [
  ...['lz4', 'lz4hc', 'deflate', 'libdeflate', 'zstd'].flatMap((comp): [string, string[]][] => [
    [comp, [`-z${comp}`]],
    [`${comp} 64K`, [`-z${comp}`, '-C65536']],
    [`${comp} full index`, [`-z${comp}`, '-C65536', '-Elegacy-compress']],
    [`${comp} tail packing`, [`-z${comp}`, '-Eztailpacking']],
    [`${comp} all fragments`, [`-z${comp}`, '-Eall-fragments']],
    [`${comp} fragments 64K`, [`-z${comp}`, '-C65536', '-Efragments=65536']],
    [`${comp} dedupe`, [`-z${comp}`, '-Ededupe']],
    [`${comp} dedupe, fragments`, [`-z${comp}`, '-C32768', '-Ededupe,fragments']],
    [`${comp} 48bit`, [`-z${comp}`, '-E48bit']],
    [`${comp} 48bit 64K, fragments`, [`-z${comp}`, '-C65536', '-E48bit,fragments']],
    [`${comp} 48bit, all fragments`, [`-z${comp}`, '-E48bit,all-fragments']],
    [`${comp} metabox`, [`-z${comp}`, `-m4096`]],
    [`${comp} metabox, fragments`, [`-z${comp}`, '-C65536', `-m65536`, '-Efragments']],
  ]),
  ...['512', '1024', '2048'].flatMap((size): [string, string[]][] => [
    [`blocks of ${size}`, [`-b${size}`]],
    [`blocks of ${size}, zstd`, [`-b${size}`, '-zzstd', '-C4096']],
    [`blocks of ${size}, lz4`, [`-b${size}`, '-zlz4', '-C4096']],
    [`blocks of ${size}, lz4 full index`, [`-b${size}`, '-zlz4', '-Elegacy-compress']],
  ]),
  ['two compressors', ['-zlz4:zstd', '-C65536']],
  ['compressed directories', ['-zzstd', '--zD=1']],
  ['48bit uncompressed', ['-E48bit']],
  ['48bit, . omitted', ['-Edot-omitted']],
  ['48bit chunks', ['-E48bit', '--chunksize=4096']],
  ['xattr name filter', ['-Exattr-name-filter']],
  ['long xattr prefixes', ['--xattr-prefix=user.extension-release.']],
  [
    'long xattr prefixes, fragments',
    ['-zlz4', '-Efragments', '--xattr-prefix=user.extension-release.', '--xattr-prefix=user.o'],
  ],
  [
    'long xattr prefixes, plain',
    ['-zlz4', '-Efragments,plain-xattr-prefixes', '--xattr-prefix=user.extension-release.'],
  ],
  ['long xattr prefixes, metabox', ['-zlz4', '-m4096', '--xattr-prefix=user.extension-release.']],
  ['metadata zone', ['--MZ=i']],
  ['metadata zone, directories too', ['-zzstd', '--MZ=id']],
];

for (const tools of imageTools()) {
  const suite = describe.skipIf(tools.mkfsErofs === undefined || !hasProgram('setfattr'));
  suite(`EROFS, ${tools.label} tools`, () => {
    const cases = tools.label === 'newer' ? [...sampled(variants, 4), ...sampled(newer, 4)] : sampled(variants, 2);
    it.each(cases)('reads the whole tree: %s', { timeout: 120_000 }, async (_name, args) => {
      const path = join(directory, `${tools.label}.raw`);
      await rm(path, { force: true });
      const from = args.some((arg) => arg.includes('dedupe')) ? treeWithoutHoles : tree;
      makeErofs(tools, from, path, args);
      const image = await openErofs(bufferSource(await readFile(path), path));
      const { files } = await expectSameTree(image, from);
      expect(files).toBeGreaterThan(440);
      await expectBigTreeXattrs(image);
    });
  });
}
