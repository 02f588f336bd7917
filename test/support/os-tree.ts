/** OS trees in a temporary directory, for code that works on `--root=`. */
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** What is at a path: a file's content, a symbolic link, a second name of an earlier file, or an empty directory. */
export type TreeEntry =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly hardLink: string }
  | { readonly directory: true };

/** Makes the tree for one test. @returns its root */
export function makeTree(entries: Readonly<Record<string, TreeEntry>>): string {
  const base = mkdtempSync(join(tmpdir(), 'extupdate-tree-'));
  onTestFinished(() => rmSync(base, { recursive: true }));
  // One level down, so that a test can put something beside the root that must not be found.
  const root = join(base, 'root');
  mkdirSync(root);
  for (const [path, entry] of Object.entries(entries)) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    if (typeof entry === 'string' || entry instanceof Uint8Array) writeFileSync(place, entry);
    else if ('link' in entry) symlinkSync(entry.link, place);
    else if ('hardLink' in entry) linkSync(join(root, entry.hardLink), place);
    else mkdirSync(place, { recursive: true });
  }
  return root;
}

/** An os-release file. */
export function osRelease(id: string, version: string, more = ''): string {
  return `NAME="The ${id} system"\nID=${id}\nVERSION_ID="${version}"\n${more}`;
}
