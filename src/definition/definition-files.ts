/** Every file that defines a component, in whichever directory, whether it counts or not. */
import { join } from 'node:path';
import type { Tree } from '../os/root.ts';
import { componentOfFile, inAll, ownDirectories } from './candidates.ts';
import { maskOf } from './search.ts';

export interface DefinitionFile {
  /** Path as seen inside the root. */
  readonly path: string;
  /** Path outside the root. */
  readonly place: string;
  /** Its directory, as seen inside the root. */
  readonly directory: string;
  readonly fileName: string;
  /** A link to /dev/null, or an empty file. */
  readonly masked: boolean;
  /** Whether it stands in extupdate's own directories, or in systemd-sysupdate's. */
  readonly origin: 'extupdate' | 'sysupdate';
}

/**
 * The files that define a component, and masks of such, in order of precedence.
 * @param definitions the directory of `--definitions=`, which replaces all others; `tree` is then that of this machine
 */
export function definitionFilesOf(tree: Tree, component: string, definitions?: string): DefinitionFile[] {
  const own = definitions === undefined ? ownDirectories : [definitions];
  const shared = definitions === undefined ? inAll(`sysupdate.${component}.d`) : [];
  return [
    ...own.flatMap((directory) => filesIn(tree, directory, 'extupdate')).filter(isOf(component)),
    ...shared.flatMap((directory) => filesIn(tree, directory, 'sysupdate')),
  ];
}

function isOf(component: string) {
  return ({ fileName }: DefinitionFile) => componentOfFile(fileName) === component;
}

function filesIn(tree: Tree, directory: string, origin: DefinitionFile['origin']): DefinitionFile[] {
  return tree.list(directory).flatMap(({ name: fileName }) => {
    if (!/\.(transfer|conf)$/.test(fileName) || fileName.startsWith('.')) return [];
    const path = join(directory, fileName);
    const place = tree.resolve(path);
    const masked = maskOf(tree, place);
    return masked === undefined ? [] : [{ path, place, directory, fileName, masked, origin }];
  });
}
