/** `*.feature` files of sysupdate.d(5): named switches that turn transfers on. */
import type { Tree } from '../os/root.ts';
import { parseBoolean } from '../syntax.ts';
import type { Component } from '../types.ts';
import type { Assignment, Problem } from './ini.ts';
import { findFiles, readWithDropIns } from './search.ts';

export interface Feature {
  readonly id: string;
  readonly file: string;
  readonly description?: string;
  readonly documentation: readonly string[];
  readonly enabled: boolean;
}

/** Loads the features of one component's directories; a feature without a file is disabled. */
export function loadFeatures(
  tree: Tree,
  directories: readonly string[],
): { features: Map<string, Feature>; problems: Problem[] } {
  const features = new Map<string, Feature>();
  const problems: Problem[] = [];
  for (const file of findFiles(tree, directories, '.feature')) {
    if (file.masked) continue;
    const read = readWithDropIns(tree, file, directories);
    problems.push(...read.problems);
    const id = file.name.slice(0, -'.feature'.length);
    const last = (key: string) => lastValue(read.assignments, key);
    const enabled = last('Enabled');
    const value = enabled === undefined ? false : parseBoolean(enabled.value);
    if (enabled && value === undefined) {
      const message = `Enabled=: "${enabled.value}" is not a boolean; allowed: yes, no`;
      problems.push({ file: enabled.file, line: enabled.line, message, severity: 'error' });
    }
    const description = last('Description')?.value;
    features.set(id, {
      id,
      file: file.path,
      documentation: last('Documentation')?.value.split(/\s+/) ?? [],
      enabled: value ?? false,
      ...(description === undefined ? {} : { description }),
    });
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

function lastValue(assignments: readonly Assignment[], key: string): Assignment | undefined {
  const found = assignments.findLast((assignment) => assignment.section === 'Feature' && assignment.key === key);
  return found?.value === '' ? undefined : found;
}
