/** Makes trees and images with the real tools, for tests that compare what is read with what was put in. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ImageFileSystem } from '../../src/image/image-file-system.ts';

/** Larger than any file in the trees made here. */
export const readLimit = 64 * 1024 * 1024;
export const strictAttribute = 'user.extension-release.strict';

/** A program, with what comes before its arguments. */
type Command = readonly string[];

/** One distribution's tools. */
export interface ImageTools {
  readonly label: string;
  readonly mksquashfs: Command | undefined;
  readonly mkfsErofs: Command | undefined;
}

/**
 * The installed tools, and those of an unpacked Debian tree that EXTUPDATE_IMAGE_TOOLS names (run through the tree's own
 * loader, so that a newer distribution's tools work too).
 */
export function imageTools(): ImageTools[] {
  const installed = {
    label: 'installed',
    mksquashfs: hasProgram('mksquashfs') ? ['mksquashfs'] : undefined,
    mkfsErofs: hasProgram('mkfs.erofs') ? ['mkfs.erofs'] : undefined,
  };
  const tree = process.env.EXTUPDATE_IMAGE_TOOLS;
  if (!tree) return [installed];
  if (!existsSync(tree)) throw new Error(`EXTUPDATE_IMAGE_TOOLS: ${tree} does not exist`);
  const libraries = join(tree, 'usr/lib/x86_64-linux-gnu');
  const loader = [join(libraries, 'ld-linux-x86-64.so.2'), '--library-path', libraries];
  const inTree = (name: string) => {
    const program = join(tree, 'usr/bin', name);
    return existsSync(program) ? [...loader, program] : undefined;
  };
  return [installed, { label: 'newer', mksquashfs: inTree('mksquashfs'), mkfsErofs: inTree('mkfs.erofs') }];
}

/**
 * Every n-th of the cases, so that each kind of them comes up; all with EXTUPDATE_TEST_ALL=1: the whole matrix takes
 * minutes. EXTUPDATE_TEST_SPARSE=N takes every N-th of what is left.
 */
export function sampled<T>(cases: readonly T[], every: number): T[] {
  if (process.env.EXTUPDATE_TEST_ALL === '1') return [...cases];
  const sparse = Number(process.env.EXTUPDATE_TEST_SPARSE ?? 1);
  return cases.filter((_, index) => index % (every * sparse) === 0);
}

export function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

function run([program, ...before]: Command, args: readonly string[]): void {
  if (program === undefined) throw new Error('no such tool');
  execFileSync(program, [...before, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Makes a squashfs image; `args` go after the usual ones. @throws Error when mksquashfs refuses them */
export function makeSquashfs(tools: ImageTools, tree: string, image: string, args: readonly string[] = []): void {
  if (tools.mksquashfs === undefined) throw new Error('mksquashfs is missing');
  run(tools.mksquashfs, [tree, image, '-noappend', '-quiet', '-no-progress', '-all-root', ...args]);
}

/** Makes an EROFS image. @throws Error when mkfs.erofs refuses the arguments */
export function makeErofs(tools: ImageTools, tree: string, image: string, args: readonly string[] = []): void {
  if (tools.mkfsErofs === undefined) throw new Error('mkfs.erofs is missing');
  run(tools.mkfsErofs, ['-T0', '-U00000000-0000-0000-0000-000000000001', '--all-root', ...args, image, tree]);
}

/** Numbers from 0 to 2^32 - 1 that are the same on every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

function noise(next: () => number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) buffer[at] = next();
  return buffer;
}

/** Text that compresses by a factor of 3 or so, with some matches far apart. */
function prose(next: () => number, bytes: number): Buffer {
  const words = Array.from({ length: 300 }, () =>
    next()
      .toString(36)
      .slice(0, 3 + (next() % 6)),
  );
  let text = '';
  while (text.length < bytes) text += `${words[next() % words.length]}${next() % 9 === 0 ? '\n' : ' '}`;
  return Buffer.from(text.slice(0, bytes));
}

const osRelease = 'ID=debian\nVERSION_ID=13\nSYSEXT_LEVEL=1.0\n';

/** A tree of one extension with nothing but its release file: makes images of 4 KiB. */
export async function makeSmallTree(root: string): Promise<void> {
  const directory = join(root, 'usr/lib/extension-release.d');
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'extension-release.small');
  await writeFile(file, osRelease);
  setXattr(file, strictAttribute, 'false');
  await writeFile(join(root, 'usr/lib/os-release'), osRelease);
}

export interface BigTreeOptions {
  /** Bytes; mkfs.erofs 1.5 fails over names of 255. */
  readonly longestName?: number;
  /** A file that is mostly a hole; deduplication of it takes mkfs.erofs 1.9 minutes. */
  readonly withSparseFile?: boolean;
}

/** Some 450 files that between them need every feature of the formats: holes, tails, long names, doubles, links. */
export async function makeBigTree(root: string, options: BigTreeOptions = {}): Promise<void> {
  const next = seeded(20261120);
  const put = async (path: string, content: Buffer | string) => {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), content);
  };
  await put('usr/lib/os-release', osRelease);
  await put('usr/lib/extension-release.d/extension-release.plain', osRelease);
  await put('usr/lib/extension-release.d/extension-release.padded', osRelease + '# padding\n'.repeat(10240));
  await put('etc/extension-release.d/extension-release.conf', 'ID=_any\n');
  setXattr(join(root, 'usr/lib/extension-release.d/extension-release.padded'), strictAttribute, 'false');
  setXattr(join(root, 'usr/lib/extension-release.d/extension-release.padded'), 'user.other', 'x'.repeat(300));
  setXattr(join(root, 'usr/lib'), strictAttribute, 'on a directory');
  for (let index = 0; index < 400; index++) {
    const name = `name-${index}-${'long'.repeat(index % 50)}`;
    const size = next() % (index % 10 === 0 ? 70_000 : 9_000);
    const content = index % 4 === 0 ? noise(next, size) : prose(next, size);
    await put(`usr/share/many/${name}`, content);
    // One value for many files is stored once (shared); a value of their own inline.
    if (index % 5 === 0) setXattr(join(root, `usr/share/many/${name}`), 'user.shared', 'the same for many files');
    if (index % 7 === 0) setXattr(join(root, `usr/share/many/${name}`), 'user.own', `value ${index}`);
  }
  for (const size of [0, 1, 511, 512, 4095, 4096, 4097, 8191, 8192, 65_535, 65_537, 131_072, 131_073, 1_048_577]) {
    await put(`usr/share/sizes/noise-${size}`, noise(next, size));
    await put(`usr/share/sizes/prose-${size}`, prose(next, size));
    await put(`usr/share/sizes/zeros-${size}`, Buffer.alloc(size));
  }
  const mixed = Buffer.concat([
    prose(next, 700_001),
    noise(next, 300_007),
    Buffer.alloc(500_000),
    prose(next, 900_011),
  ]);
  await put('usr/share/large/mixed', mixed);
  // The same data at another alignment, for deduplication.
  await put('usr/share/large/mixed-again', mixed);
  await put('usr/share/large/shifted', Buffer.concat([prose(next, 12_345), mixed.subarray(100_000, 800_000)]));
  await put('usr/share/large/repeated', Buffer.alloc(2_000_000, 'abcdefg'));
  if (options.withSparseFile !== false) {
    const sparse = await open(join(root, 'usr/share/large/sparse'), 'w');
    await sparse.write(noise(next, 5000), 0, 5000, 3_000_000);
    await sparse.truncate(5_000_000);
    await sparse.close();
  }
  await put(`usr/share/names/${'n'.repeat(options.longestName ?? 255)}`, 'longest name');
  await put('usr/share/names/ünï→ø', 'not ASCII');
  await put(`${'deep/'.repeat(12)}file`, 'deep');
  await mkdir(join(root, 'usr/share/empty'), { recursive: true });
  await symlink('share', join(root, 'usr/link-to-directory'));
  await symlink('lib/os-release', join(root, 'usr/link-to-file'));
  execFileSync('mkfifo', [join(root, 'usr/share/fifo')]);
}

function setXattr(file: string, name: string, value: string): void {
  execFileSync('setfattr', ['-n', name, '-v', value, file]);
}

/** Compares every directory, file and attribute that the tree has with what the image says. */
export async function expectSameTree(image: ImageFileSystem, tree: string): Promise<{ files: number }> {
  let files = 0;
  async function compare(path: string): Promise<void> {
    const entries = await readdir(join(tree, path), { withFileTypes: true });
    const names = await image.readDirectory(path);
    expect(names?.toSorted(), `names in '${path}'`).toEqual(entries.map(({ name }) => name).toSorted());
    for (const entry of entries) {
      const child = path === '' ? entry.name : `${path}/${entry.name}`;
      if (entry.isDirectory()) await compare(child);
      if (!entry.isFile()) {
        expect(await image.readFile(child, readLimit), child).toBeUndefined();
        continue;
      }
      files++;
      const expected = await readFile(join(tree, child));
      const found = await image.readFile(child, readLimit);
      expect(found?.length, `size of '${child}'`).toBe(expected.length);
      expect(found?.equals(expected), `content of '${child}'`).toBe(true);
    }
  }
  await compare('');
  return { files };
}

/** Compares the attributes that makeBigTree sets. */
export async function expectBigTreeXattrs(image: ImageFileSystem): Promise<void> {
  const padded = 'usr/lib/extension-release.d/extension-release.padded';
  expect(await image.readXattr(padded, strictAttribute)).toBe('false');
  expect(await image.readXattr(padded, 'user.other')).toBe('x'.repeat(300));
  expect(await image.readXattr(padded, 'user.unset')).toBeUndefined();
  expect(await image.readXattr('usr/lib', strictAttribute)).toBe('on a directory');
  expect(await image.readXattr('usr/lib/extension-release.d/extension-release.plain', strictAttribute)).toBeUndefined();
  for (const name of (await image.readDirectory('usr/share/many')) ?? []) {
    const index = Number(name.split('-')[1]);
    const path = `usr/share/many/${name}`;
    expect(await image.readXattr(path, 'user.shared'), path).toBe(
      index % 5 === 0 ? 'the same for many files' : undefined,
    );
    expect(await image.readXattr(path, 'user.own'), path).toBe(index % 7 === 0 ? `value ${index}` : undefined);
  }
}
