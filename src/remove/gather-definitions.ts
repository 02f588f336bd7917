/** Finds every file that has a say in what a component is. */
import { join } from 'node:path';
import { isWrittenByAdd } from '../add/definition-text.ts';
import { ownDirectories, rootOfDefinitions } from '../definition/candidates.ts';
import { definitionFilesOf } from '../definition/definition-files.ts';
import { DROP_IN } from '../enablement.ts';
import { readBoundedFile } from '../os/bounded-file.ts';
import { type Tree, treeAt } from '../os/root.ts';
import type { BesideFile, DefinitionRequest, OwnedFile } from './plan-definitions.ts';

/**
 * What there is to plan with.
 * @param options.definitions the directory of `--definitions=`
 */
export function gatherDefinitions(
  options: { readonly root: string; readonly definitions?: string | undefined },
  component: string,
): Pick<DefinitionRequest, 'files' | 'beside' | 'own' | 'disableFile'> {
  const { definitions } = options;
  const tree = treeAt(rootOfDefinitions(options));
  const files = definitionFilesOf(tree, component, definitions).map((file): OwnedFile => {
    return { ...file, byAdd: !file.masked && isByAdd(file.place) };
  });
  const own = definitions === undefined ? [ownDirectories[0] ?? '', `/etc/sysupdate.${component}.d`] : [definitions];
  const beside = own.flatMap((directory) => besideIn(tree, directory, component, files));
  const origin = files.find(({ masked }) => !masked)?.origin;
  const switches =
    origin === 'sysupdate' ? `/etc/sysupdate.${component}.component.d` : `${own[0]}/${component}.component.d`;
  const ofSysupdate = definitions === undefined ? componentFiles(tree, component) : [];
  // There is no switch for what `--definitions=` names: nobody else reads it.
  const disableFile = definitions === undefined ? { disableFile: join(switches, DROP_IN) } : { disableFile: undefined };
  return { files, own, beside: [...beside, ...ofSysupdate], ...disableFile };
}

function isByAdd(place: string): boolean {
  try {
    return isWrittenByAdd(readBoundedFile('', place)?.toString() ?? '');
  } catch {
    // What nobody may read, or is larger than any definition, is a person's.
    return false;
  }
}

/** Drop-ins of the definitions and of the component, and features of a component with a directory of its own. */
function besideIn(tree: Tree, directory: string, component: string, files: readonly OwnedFile[]): BesideFile[] {
  const names = new Set(files.map(({ fileName }) => fileName));
  const isAlone = directory === `/etc/sysupdate.${component}.d`;
  return tree.list(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    const isFeature = isAlone && /\.feature(\.d)?$/.test(entry.name);
    const isDropIn = entry.name.endsWith('.d') && names.has(entry.name.slice(0, -'.d'.length));
    const isComponent = !isAlone && [`${component}.component`, `${component}.component.d`].includes(entry.name);
    if (!isFeature && !isDropIn && !isComponent) return [];
    return entry.name.endsWith('.d') ? dropInsIn(tree, path) : [{ path, isGenerated: false }];
  });
}

/** The component file of systemd-sysupdate, and its drop-ins. */
function componentFiles(tree: Tree, component: string): BesideFile[] {
  const name = `sysupdate.${component}.component`;
  const main = tree.list('/etc').some((entry) => entry.name === name)
    ? [{ path: `/etc/${name}`, isGenerated: false }]
    : [];
  return [...main, ...dropInsIn(tree, `/etc/${name}.d`)];
}

function dropInsIn(tree: Tree, directory: string): BesideFile[] {
  return tree
    .list(directory)
    .filter(({ name }) => name.endsWith('.conf'))
    .map(({ name }) => ({ path: join(directory, name), isGenerated: name === DROP_IN }));
}
