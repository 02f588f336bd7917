/** Whether what a process sees is what an image holds: file by file, as far as sizes and small files tell. */
import { constants, lstatSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageFileSystem } from '../image/image-file-system.ts';

/** How far a comparison goes. */
export interface CompareLimits {
  /** Files that are looked at. */
  readonly files: number;
  /** Larger files are compared by their size only, in bytes. */
  readonly fileSize: number;
  /** Bytes that are read altogether. */
  readonly total: number;
}

/** Where a release file names an extension, and the hierarchy that its files are merged over. */
const HIERARCHIES = [
  { hierarchy: 'etc', releases: 'etc/extension-release.d' },
  { hierarchy: 'usr', releases: 'usr/lib/extension-release.d' },
] as const;

/**
 * Compares an image with what is seen below a root.
 * @param view the root directory of a process, `/proc/PID/root`
 * @returns `absent` when nothing with the image's release file is seen
 */
export async function compareWithView(
  view: string,
  tree: ImageFileSystem,
  limits: CompareLimits,
): Promise<'same' | 'different' | 'absent'> {
  let isSeen = false;
  const left = { files: limits.files, bytes: limits.total };
  for (const { hierarchy, releases } of HIERARCHIES) {
    const names = (await tree.readDirectory(releases)) ?? [];
    const release = names.find((name) => name.startsWith('extension-release.'));
    const seen = release === undefined ? undefined : statOf(join(view, releases, release));
    if (!seen) continue;
    isSeen = true;
    for await (const path of filesBelow(tree, hierarchy)) {
      left.files -= 1;
      if (left.files < 0) break;
      const info = statOf(join(view, path));
      // The kernel gives each image below an overlay a device number of its own: another one's file hides ours.
      if (info && info.dev !== seen.dev) continue;
      const size = await tree.fileSize(path);
      if (!info?.isFile() || info.size !== size) return 'different';
      if (size > limits.fileSize || size > left.bytes) continue;
      left.bytes -= size;
      const [mine, theirs] = await Promise.all([
        tree.readFile(path, limits.fileSize),
        contentOf(join(view, path), size),
      ]);
      if (!mine || !theirs?.equals(mine)) return 'different';
    }
  }
  return isSeen ? 'same' : 'absent';
}

/** The regular files below a directory of an image. */
async function* filesBelow(tree: ImageFileSystem, directory: string): AsyncGenerator<string> {
  for (const name of (await tree.readDirectory(directory)) ?? []) {
    const path = `${directory}/${name}`;
    if ((await tree.fileSize(path)) !== undefined) yield path;
    else yield* filesBelow(tree, path);
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Without O_NONBLOCK, opening a FIFO that took the file's place would wait for a writer. */
async function contentOf(path: string, size: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(size);
      const { bytesRead } = await file.read(buffer, 0, size, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
