/** What is inside of the directories and archives that are published: few entries, of every kind that has to be kept. */
import { chmodSync, lchownSync, lutimesSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Header, tarOf } from '../../support/tar-writer.ts';
import type { PublishedFile } from './scenario.ts';
import { firstNamedTime } from './vocabulary.ts';

/** How a tree is made. */
export const treeShapes = ['usual', 'without a root', 'strict'] as const;
export type TreeShape = (typeof treeShapes)[number];

interface Inner {
  readonly path: string;
  readonly mode: number;
  /** Of a file. */
  readonly data?: string;
  readonly link?: string;
  readonly owner?: number;
}

/** The seconds of all times inside. */
const SECONDS = firstNamedTime / 1000;

function entriesOf(shape: TreeShape, content: string): Inner[] {
  const data: Inner = { path: 'usr/data', mode: 0o644, data: content };
  switch (shape) {
    case 'usual':
      return [
        { path: '', mode: 0o755 },
        { path: 'usr', mode: 0o755 },
        data,
        { path: 'usr/tool', mode: 0o755, data: '' },
        { path: 'usr/link', mode: 0o777, link: 'tool' },
      ];
    case 'without a root':
      return [{ path: 'usr', mode: 0o755 }, data];
    case 'strict':
      return [
        { path: '', mode: 0o750 },
        { path: 'usr', mode: 0o555 },
        { ...data, mode: 0o4640, owner: 1234 },
        { path: 'empty', mode: 0o1777 },
      ];
  }
}

/** The archive of a tree. */
export function archiveOf(shape: TreeShape, content: string): Buffer {
  const headers = entriesOf(shape, content).map(({ path, mode, data, link, owner = 0 }): Header => {
    const common = { mode, uid: owner, gid: owner, mtime: SECONDS };
    if (link !== undefined) return { ...common, name: `./${path}`, type: '2', link };
    return data === undefined
      ? { ...common, name: path === '' ? './' : `./${path}/`, type: '5' }
      : { ...common, name: `./${path}`, data };
  });
  return tarOf(...headers);
}

/** Writes the tree of a published directory. */
export function writeTree(directory: string, { content }: PublishedFile, shape: TreeShape): void {
  mkdirSync(directory, { recursive: true });
  const entries = entriesOf(shape, content);
  for (const { path, mode, data, link, owner = 0 } of entries) {
    const place = join(directory, path);
    if (link !== undefined) symlinkSync(link, place);
    else if (data !== undefined) writeFileSync(place, data);
    else mkdirSync(place, { recursive: true });
    lchownSync(place, owner, owner);
    if (link === undefined) chmodSync(place, mode);
  }
  // What is written into a directory changes its time.
  for (const { path } of entries.reverse()) lutimesSync(join(directory, path), SECONDS, SECONDS);
}
