/** `*.feature` files of sysupdate.d(5): named switches that turn transfers on. */
import type { Tree } from '../os/root.ts';
import type { Component } from '../types.ts';
import type { Problem } from './ini.ts';
import { findFiles, readWithDropIns } from './search.ts';
import { SettingReader } from './setting-reader.ts';
import type { SpecifierValues } from './specifiers.ts';
import { readSuggestion, type Suggestion, suggestionSettings } from './suggestion.ts';

export interface Feature {
  readonly id: string;
  readonly file: string;
  readonly description?: string;
  /** URLs, one an assignment, spaces included; 257 has the last one only. */
  readonly documentation: readonly string[];
  readonly appStream?: string;
  readonly enabled: boolean;
  readonly suggestion: Suggestion;
}

/** The settings of a feature, for messages, documentation and tests. */
export const featureSettingNames = {
  Feature: ['Description', 'Documentation', 'AppStream', 'Enabled', ...suggestionSettings],
} as const;

/** Loads the features of one component's directories; a feature without a file is disabled, and not listed. */
export function loadFeatures(
  tree: Tree,
  directories: readonly string[],
  values: SpecifierValues,
): { features: Map<string, Feature>; problems: Problem[] } {
  const features = new Map<string, Feature>();
  const problems: Problem[] = [];
  for (const file of findFiles(tree, directories, '.feature')) {
    if (file.masked) continue;
    const read = readWithDropIns(tree, file, directories);
    const reader = new SettingReader(file.path, read.assignments, values);
    reader.warnUnknown(featureSettingNames);
    const id = file.name.slice(0, -'.feature'.length);
    const description = reader.last('Feature', 'Description')?.value;
    const appStream = reader.links('Feature', 'AppStream').at(-1);
    features.set(id, {
      id,
      file: file.path,
      documentation: reader.links('Feature', 'Documentation'),
      enabled: reader.boolean('Feature', 'Enabled') ?? false,
      suggestion: readSuggestion(reader, 'Feature', values),
      ...(description === undefined ? {} : { description }),
      ...(appStream === undefined ? {} : { appStream }),
    });
    problems.push(...read.problems, ...reader.problems);
  }
  return { features, problems };
}

/** Whether the features a transfer names turn it on: all requisite ones, and any of the others. */
export function isEnabled(
  names: { readonly features: readonly string[]; readonly requisiteFeatures: readonly string[] },
  features: ReadonlyMap<string, Feature>,
): boolean {
  const on = (name: string) => features.get(name)?.enabled === true;
  return names.requisiteFeatures.every(on) && (names.features.length === 0 || names.features.some(on));
}

/** Whether features turn off all that a component has. */
export function isTurnedOff({ transfers }: Component): boolean {
  return transfers.length === 0;
}
