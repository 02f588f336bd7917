/** Definition files by the rules of sysupdate.d(5): four directories, the first wins for a name, masks, drop-ins. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '../os/root.ts';
import { isMissing } from '../os/storage-error.ts';
import { type Assignment, type Problem, parseIni } from './ini.ts';

/** In order of precedence. */
export const configDirectories = ['/etc', '/run', '/usr/local/lib', '/usr/lib'] as const;

export interface FoundFile {
  /** File name. */
  readonly name: string;
  /** Path as seen inside the root, for messages. */
  readonly path: string;
  /** Path outside the root, for reading. */
  readonly place: string;
  /** A link to /dev/null or an empty file: the name is not used, here or further down. */
  readonly masked: boolean;
}

/**
 * The files of a directory name below all search directories, sorted by name.
 * @param directories absolute paths inside the root, in order of precedence
 */
export function findFiles(tree: Tree, directories: readonly string[], suffix: string): FoundFile[] {
  const found = new Map<string, FoundFile>();
  for (const directory of directories) {
    for (const entry of tree.list(directory)) {
      if (!entry.name.endsWith(suffix) || entry.name.startsWith('.') || found.has(entry.name)) continue;
      const path = join(directory, entry.name);
      const place = tree.resolve(path);
      const mask = maskOf(tree, place);
      if (mask !== undefined) found.set(entry.name, { name: entry.name, path, place, masked: mask });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names of the directories `PREFIX*SUFFIX` below the configuration directories, without prefix and suffix. */
export function findDirectories(tree: Tree, prefix: string, suffix: string): string[] {
  const names = new Set<string>();
  for (const directory of configDirectories) {
    for (const entry of tree.list(directory)) {
      const name = entry.name;
      const fits = name.startsWith(prefix) && name.endsWith(suffix) && name.length > prefix.length + suffix.length;
      if (fits && (entry.isDirectory() || entry.isSymbolicLink())) names.add(name.slice(prefix.length, -suffix.length));
    }
  }
  return [...names].sort();
}

/**
 * Reads a file and its drop-ins (`NAME.d/*.conf` in all directories), in the order in which settings override.
 * A file that cannot be read is a problem, not an exception.
 */
export function readWithDropIns(
  tree: Tree,
  file: FoundFile,
  directories: readonly string[],
): { assignments: Assignment[]; problems: Problem[]; unreadable: boolean } {
  const dropIns = findFiles(
    tree,
    directories.map((directory) => `${directory}/${file.name}.d`),
    '.conf',
  );
  return readFiles([file, ...dropIns.filter((dropIn) => !dropIn.masked)]);
}

/** Reads files one after the other. */
export function readFiles(files: readonly FoundFile[]): {
  assignments: Assignment[];
  problems: Problem[];
  /** Whether the first file could not be read. */
  unreadable: boolean;
} {
  let unreadable = false;
  const assignments: Assignment[] = [];
  const problems: Problem[] = [];
  for (const { path, place } of files) {
    try {
      const parsed = parseIni(readFileSync(place, 'utf8'), path);
      assignments.push(...parsed.assignments);
      problems.push(...parsed.problems);
    } catch (error) {
      unreadable ||= path === files[0]?.path;
      // The system call says the path once more, outside of the root.
      const why = (error as Error).message.replace(/, \w+ '[^']*'$/, '');
      const message = `cannot be read: ${why}; allowed: a readable file`;
      problems.push({ file: path, line: 1, message, severity: 'error' });
    }
  }
  return { assignments, problems, unreadable };
}

/** Whether an entry is a mask; undefined when it is neither a file nor a mask. */
export function maskOf(tree: Tree, place: string): boolean | undefined {
  if (place === tree.resolve('/dev/null')) return true;
  try {
    const info = statSync(place);
    return info.isFile() ? info.size === 0 : undefined;
  } catch (error) {
    // A dangling link, or a file that only root may see: let reading it tell.
    return isMissing(error) ? undefined : false;
  }
}
