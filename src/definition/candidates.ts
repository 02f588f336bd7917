/** Where definitions of components may be: extupdate's own directory, and those of systemd-sysupdate. */
import type { Tree } from '../os/root.ts';
import type { Component } from '../types.ts';
import { configDirectories, type FoundFile, findDirectories, findFiles } from './search.ts';

/** The name of the component that `sysupdate.d/` holds. */
export const DEFAULT_COMPONENT = 'default';

/** extupdate's own directories, in order of precedence. */
export const ownDirectories = inAll('extupdate/transfer.d');

/** The root below which definitions stand: the directory of `--definitions=` is one of this machine, whatever `--root=` says. */
export function rootOfDefinitions(options: {
  readonly root: string;
  readonly definitions?: string | undefined;
}): string {
  return options.definitions === undefined ? options.root : '';
}

/** The files of one component. */
export interface Candidate {
  readonly name: string;
  readonly origin: Component['origin'];
  /** Of its transfers and features. */
  readonly directories: readonly string[];
  readonly files: readonly FoundFile[];
  /** Its `.component` file. */
  readonly componentFile: { readonly name: string; readonly directories: readonly string[] };
  readonly dropIns: DropIns;
}

/** Where settings of the admin go. */
export interface DropIns {
  /** Directory of its features' drop-in directories. */
  readonly features: string;
  /** Directory for drop-ins of its `.component` file; undefined where there can be no such file. */
  readonly component?: string;
}

/**
 * extupdate's own directory: every file is a component, named without a leading `NN-`; `*.conf` counts only where no
 * `*.transfer` defines the same component.
 */
export function ownCandidates(tree: Tree, directories: readonly string[]): Candidate[] {
  const [first = ''] = directories;
  const transfers = unmaskedFiles(tree, directories, '.transfer');
  const defined = new Set(transfers.map(({ name }) => componentOfFile(name)));
  const legacy = unmaskedFiles(tree, directories, '.conf').filter(({ name }) => !defined.has(componentOfFile(name)));
  return [...transfers, ...legacy].map((file) => {
    const name = componentOfFile(file.name);
    const componentFile = { name: `${name}.component`, directories };
    const dropIns = { features: first, component: `${first}/${componentFile.name}.d` };
    return { name, origin: 'extupdate', directories, files: [file], componentFile, dropIns };
  });
}

/** systemd's directories: all files of a directory are one component. */
export function sysupdateCandidates(tree: Tree): Candidate[] {
  const named = findDirectories(tree, 'sysupdate.', '.d').filter((name) => !name.endsWith('.component'));
  const candidates = named.map((name) => {
    const file = `sysupdate.${name}.component`;
    return { ...candidateIn(tree, name, `sysupdate.${name}.d`, file), dropIns: dropInsOf(name, file) };
  });
  // What has no name has no such file, and is no component without a transfer.
  const unnamed = candidateIn(tree, DEFAULT_COMPONENT, 'sysupdate.d');
  return [...(unnamed.files.length > 0 ? [unnamed] : []), ...candidates];
}

function dropInsOf(name: string, componentFile: string): DropIns {
  return { features: `/etc/sysupdate.${name}.d`, component: `/etc/${componentFile}.d` };
}

function candidateIn(tree: Tree, name: string, directory: string, componentFile?: string): Candidate {
  const directories = inAll(directory);
  return {
    name,
    origin: 'sysupdate',
    directories,
    files: transferFiles(tree, directories),
    componentFile: { name: componentFile ?? '', directories: componentFile === undefined ? [] : configDirectories },
    dropIns: { features: `/etc/${directory}` },
  };
}

/** `*.conf` counts only where there is no `*.transfer` that is not masked (sysupdate.d(5), legacy suffix). */
function transferFiles(tree: Tree, directories: readonly string[]): FoundFile[] {
  const transfers = unmaskedFiles(tree, directories, '.transfer');
  return transfers.length > 0 ? transfers : unmaskedFiles(tree, directories, '.conf');
}

function unmaskedFiles(tree: Tree, directories: readonly string[], suffix: string): FoundFile[] {
  return findFiles(tree, directories, suffix).filter((file) => !file.masked);
}

/** A directory, or file, of that name in all configuration directories, in order of precedence. */
export function inAll(name: string): string[] {
  return configDirectories.map((directory) => `${directory}/${name}`);
}

/** The component that a file in extupdate's own directory defines. */
export function componentOfFile(fileName: string): string {
  return stem(fileName).replace(/^[0-9]+-/, '');
}

/** A definition's file name without its suffix. */
export function stem(fileName: string): string {
  return fileName.replace(/\.(transfer|conf)$/, '');
}
