/** The publisher's side: files below the source directory, and a list of them in every directory that is a source. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PublishedFile } from './scenario.ts';

/** The bytes of a file as they are published. */
export function packContent({ content, gzip }: Pick<PublishedFile, 'content' | 'gzip'>): Buffer {
  return gzip ? gzipSync(content) : Buffer.from(content);
}

export function publishFiles(directory: string, files: readonly PublishedFile[]): void {
  for (const file of files) {
    const path = join(directory, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, packContent(file));
  }
}

export function withdrawFiles(directory: string, paths: readonly string[]): void {
  for (const path of paths) rmSync(join(directory, path), { force: true });
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
