/** A directory as a value: to compare it, and to make another one like it. */
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Entry {
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits; of a file only. */
  readonly mode?: number;
  /** What is in a file, or where a link leads. */
  readonly content?: string;
  /** Milliseconds since 1970. */
  readonly mtime?: number;
}

/** By path below the directory. */
export type Tree = ReadonlyMap<string, Entry>;

/** Reads a directory, sorted by path; a missing one is empty. */
export function readTree(directory: string): Tree {
  const entries = new Map<string, Entry>();
  if (!existsSync(directory)) return entries;
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const name of names.sort()) entries.set(name, readEntry(join(directory, name)));
  return entries;
}

function readEntry(path: string): Entry {
  const info = lstatSync(path);
  if (info.isDirectory()) return { kind: 'directory' };
  if (info.isSymbolicLink()) return { kind: 'link', content: readlinkSync(path) };
  if (!info.isFile()) return { kind: 'other' };
  const content = readFileSync(path, 'latin1');
  return { kind: 'file', mode: info.mode & 0o7777, content, mtime: info.mtimeMs };
}

/** Makes one directory a copy of another. */
export function copyTree(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  if (existsSync(from)) cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
  else mkdirSync(to, { recursive: true });
}

/** An entry in one line. */
export function renderEntry(entry: Entry | undefined): string {
  if (!entry) return '(missing)';
  if (entry.kind === 'link') return `-> ${entry.content}`;
  if (entry.kind !== 'file') return entry.kind;
  return `${(entry.mode ?? 0).toString(8)} ${JSON.stringify(entry.content?.slice(0, 60))}`;
}
