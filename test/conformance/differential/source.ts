/** The publisher's side: what is below the source directory, and lists of it for those who ask over the network. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { archiveOf, writeTree } from './published-tree.ts';
import type { PublishedFile } from './scenario.ts';

/** The bytes of a file or an archive as they are published. */
export function packContent({ content, gzip, tree }: Omit<PublishedFile, 'path'>): Buffer {
  const bytes = tree ? archiveOf(tree.shape, content) : Buffer.from(content);
  return gzip ? gzipSync(bytes) : bytes;
}

export function publishFiles(directory: string, files: readonly PublishedFile[]): void {
  for (const file of files) {
    const path = join(directory, file.path);
    // A directory that is published anew is another one.
    rmSync(path, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    if (file.tree?.form === 'directory') writeTree(path, file, file.tree.shape);
    else writeFileSync(path, packContent(file));
  }
}

export function withdrawFiles(directory: string, paths: readonly string[]): void {
  for (const path of paths) rmSync(join(directory, path), { recursive: true, force: true });
}

/**
 * Writes the list that a source of a URL is asked for.
 * @param others directories below it that are sources of their own
 */
export function writeManifest(directory: string, others: readonly string[]): void {
  mkdirSync(directory, { recursive: true });
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const lines = names.flatMap((name) => {
    const path = join(directory, name);
    if (name.endsWith('SHA256SUMS') || !statSync(path).isFile()) return [];
    if (others.some((other) => path.startsWith(`${other}/`))) return [];
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    return [`${sha256} *${relative(directory, path)}\n`];
  });
  writeFileSync(join(directory, 'SHA256SUMS'), lines.join(''));
}
