/** A directory as a value: to compare it, and to make another one like it. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { isNamedTime } from './vocabulary.ts';

export interface Entry {
  /** A directory that is a version, or hidden, is one thing with all that it holds: a tree. */
  readonly kind: 'file' | 'tree' | 'directory' | 'link' | 'other';
  /** Permission bits; of a file and a tree only. */
  readonly mode?: number;
  /** What is in a file or a tree, or where a link leads. */
  readonly content?: string;
  /** Milliseconds since 1970. */
  readonly mtime?: number;
}

/** By path below the directory. */
export type Tree = ReadonlyMap<string, Entry>;

/**
 * Reads a directory, sorted by path; a missing one is empty.
 * @param isTree which directories are one thing
 */
export function readTree(directory: string, isTree: (path: string) => boolean): Tree {
  const entries: [string, Entry][] = [];
  const read = (below: string) => {
    for (const name of readdirSync(join(directory, below))) {
      const path = below === '' ? name : `${below}/${name}`;
      const entry = readEntry(join(directory, path), () => isTree(path));
      entries.push([path, entry]);
      if (entry.kind === 'directory') read(path);
    }
  };
  if (existsSync(directory)) read('');
  return new Map(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function readEntry(path: string, isTree: () => boolean): Entry {
  const info = lstatSync(path);
  const attributes = { mode: info.mode & 0o7777, mtime: info.mtimeMs };
  if (info.isDirectory()) {
    return isTree() ? { kind: 'tree', content: describeInner(path), ...attributes } : { kind: 'directory' };
  }
  if (info.isSymbolicLink()) return { kind: 'link', content: readlinkSync(path) };
  if (!info.isFile()) return { kind: 'other' };
  return { kind: 'file', content: readFileSync(path, 'latin1'), ...attributes };
}

/** Names, modes, owners, contents, and the times that were published. */
function describeInner(directory: string, below = ''): string {
  const lines = readdirSync(join(directory, below)).sort();
  return lines
    .map((name) => {
      const path = join(below, name);
      const place = join(directory, path);
      const { mode, uid, gid, mtimeMs } = lstatSync(place);
      const time = isNamedTime(mtimeMs) ? ` at ${mtimeMs}` : '';
      const entry = readEntry(place, () => false);
      const inner = entry.kind === 'directory' ? describeInner(directory, path) : `${entry.content ?? ''}\n`;
      return `${path} ${mode.toString(8)} ${uid}:${gid}${time}\n${inner}`;
    })
    .join('');
}

/** Makes one directory a copy of another. */
export function copyTree(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  if (existsSync(from)) copyEntry(from, to);
  else mkdirSync(to, { recursive: true });
}

function copyEntry(from: string, to: string): void {
  const info = lstatSync(from);
  if (info.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (info.isDirectory()) {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(from)) copyEntry(join(from, name), join(to, name));
  } else copyFileSync(from, to);
  lchownSync(to, info.uid, info.gid);
  if (!info.isSymbolicLink()) chmodSync(to, info.mode & 0o7777);
  lutimesSync(to, info.atimeMs / 1000, info.mtimeMs / 1000);
}

/** An entry in one line. */
export function renderEntry(entry: Entry | undefined): string {
  if (!entry) return '(missing)';
  if (entry.kind === 'link') return `-> ${entry.content}`;
  const { kind, mode = 0, content = '' } = entry;
  if (kind === 'file') return `${mode.toString(8)} ${JSON.stringify(content.slice(0, 60))}`;
  return kind === 'tree' ? `tree ${mode.toString(8)} ${JSON.stringify(content)}` : kind;
}
