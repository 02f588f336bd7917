/** A plain directory tree as an image: extensions may be directories. */
import { execFile } from 'node:child_process';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImageFileSystem } from './image-file-system.ts';
import { pathComponents } from './image-tree.ts';
import { errnoOf, storageError } from './local-file.ts';
import { unsuitable } from './part.ts';

/** Without O_NONBLOCK, opening a FIFO that took a file's place would wait for a writer. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Entries; a directory with more is not part of an extension. */
const maxEntries = 262_144;
/** Milliseconds and bytes for one call of getfattr. */
const attributeLimits = { timeout: 10_000, maxBuffer: 64 * 1024 };
const absent = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/**
 * Opens a directory tree; `path` itself may be a symbolic link, nothing below it is followed. Extended attributes are
 * read with the program getfattr; without it, all are unset.
 * @throws StorageError when it cannot be read, UnsuitableError when it is not a directory
 */
export async function openDirectory(path: string): Promise<ImageFileSystem> {
  const root = await realpath(path).catch((error: unknown) => {
    throw storageError(path, 'open', error);
  });
  const stats = await lstat(root).catch((error: unknown) => {
    throw storageError(path, 'open', error);
  });
  if (!stats.isDirectory()) throw unsuitable({ name: path }, 'not a directory');

  /** Where a path lies when no component is a link, and what is there. */
  async function locate(inside: string): Promise<{ path: string; stats: Stats } | undefined> {
    const components = pathComponents(inside);
    if (components === undefined) return undefined;
    const place = join(root, ...components);
    try {
      const found = await lstat(place);
      return !found.isSymbolicLink() && (await realpath(place)) === place ? { path: place, stats: found } : undefined;
    } catch (error) {
      if (absent.has(errnoOf(error) ?? '')) return undefined;
      throw storageError(place, 'open', error);
    }
  }

  return {
    type: 'directory',
    async readDirectory(inside) {
      const place = await locate(inside);
      if (place === undefined || !place.stats.isDirectory()) return undefined;
      const names = await readdir(place.path).catch((error: unknown) => {
        throw storageError(place.path, 'list', error);
      });
      if (names.length > maxEntries) throw unsuitable({ name: place.path }, `has ${names.length} entries`);
      return names;
    },
    async readFile(inside, limit) {
      const place = await locate(inside);
      return place?.stats.isFile() ? readUpTo(place.path, limit) : undefined;
    },
    async fileSize(inside) {
      const place = await locate(inside);
      return place?.stats.isFile() ? place.stats.size : undefined;
    },
    async readXattr(inside, name) {
      const place = await locate(inside);
      return place === undefined ? undefined : readAttribute(place.path, name);
    },
  };
}

async function readUpTo(path: string, limit: number): Promise<Buffer | undefined> {
  const handle = await open(path, openFlags).catch((error: unknown) => {
    if (absent.has(errnoOf(error) ?? '')) return undefined;
    throw storageError(path, 'open', error);
  });
  if (handle === undefined) return undefined;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) return undefined;
    if (stats.size > limit) {
      throw unsuitable({ name: path }, `has ${stats.size} bytes, more than the ${limit} that are sensible`);
    }
    // One byte more than it should have shows a file that grows.
    const buffer = Buffer.alloc(stats.size + 1);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (bytesRead !== stats.size) throw unsuitable({ name: path }, 'changed while it was read');
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw errnoOf(error)?.startsWith('E') ? storageError(path, 'read', error) : error;
  } finally {
    await handle.close();
  }
}

/** Node cannot read extended attributes. @returns undefined when unset, or getfattr is missing */
async function readAttribute(path: string, name: string): Promise<string | undefined> {
  const args = ['--no-dereference', '--absolute-names', '--only-values', '-n', name, '--', path];
  try {
    return (await promisify(execFile)('getfattr', args, { ...attributeLimits, encoding: 'utf8' })).stdout;
  } catch {
    return undefined;
  }
}
