/** `*.component` files of sysupdate.d(5): what a component is, and whether it is enabled. */
import type { Tree } from '../os/root.ts';
import type { Problem } from './ini.ts';
import { findFiles, readFiles } from './search.ts';
import { SettingReader } from './setting-reader.ts';
import type { SpecifierValues } from './specifiers.ts';
import { readSuggestion, type Suggestion, suggestionSettings } from './suggestion.ts';

export interface ComponentInfo {
  readonly description?: string;
  /** URLs. */
  readonly documentation: readonly string[];
  readonly enabled: boolean;
  readonly suggestion: Suggestion;
}

/** Of a component that nothing was said about. */
export const defaultComponentInfo: ComponentInfo = {
  documentation: [],
  enabled: true,
  suggestion: { conditions: [] },
};

/** The settings of a component, for messages, documentation and tests. */
export const componentSettingNames = {
  Component: ['Description', 'Documentation', 'Enabled', ...suggestionSettings],
} as const;

/**
 * Reads a component's file and its drop-ins; drop-ins count without the file, too.
 * @param name of the file, such as `sysupdate.NAME.component`
 * @param directories that it may be in, in order of precedence
 */
export function loadComponentInfo(
  tree: Tree,
  name: string,
  directories: readonly string[],
  values: SpecifierValues,
): { info: ComponentInfo; problems: Problem[] } {
  const main = findFiles(tree, directories, name).filter((file) => file.name === name);
  const dropIns = findFiles(
    tree,
    directories.map((directory) => `${directory}/${name}.d`),
    '.conf',
  );
  const files = [...main, ...dropIns].filter(({ masked }) => !masked);
  if (files.length === 0) return { info: defaultComponentInfo, problems: [] };
  const read = readFiles(files);
  const reader = new SettingReader(files[0]?.path ?? name, read.assignments, values);
  reader.warnUnknown(componentSettingNames);
  const description = reader.last('Component', 'Description')?.value;
  const info = {
    documentation: reader.links('Component', 'Documentation'),
    enabled: reader.boolean('Component', 'Enabled') ?? true,
    suggestion: readSuggestion(reader, 'Component', values),
    ...(description === undefined ? {} : { description }),
  };
  return { info, problems: [...read.problems, ...reader.problems] };
}
