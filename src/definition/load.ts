/** Everything that is defined on a host: components, what is wrong with them, and what is left to other tools. */
import { withoutSecrets } from '../errors.ts';
import { type Tree, treeAt, withDirectoryOf } from '../os/root.ts';
import type { Component, Transfer } from '../types.ts';
import { type Candidate, ownCandidates, ownDirectories, rootOfDefinitions, sysupdateCandidates } from './candidates.ts';
import { checkConflicts } from './conflicts.ts';
import type { Problem } from './ini.ts';
import { type KnownComponent, loadComponent } from './load-component.ts';
import type { SpecifierValues } from './specifiers.ts';

export interface Definitions {
  /** Sorted by name. */
  readonly components: readonly Component[];
  /** Components whose definition has errors. */
  readonly broken: readonly { readonly name: string; readonly problems: readonly Problem[] }[];
  /** Valid components that extupdate does not manage, and why. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  /** Components that are turned off as a whole: nothing of theirs is touched. */
  readonly disabled: readonly string[];
  /** Every component there is, whatever becomes of it, sorted by name. */
  readonly known: readonly KnownComponent[];
  /** Settings that are ignored, and the like, with the component. */
  readonly warnings: readonly (Problem & { readonly name: string })[];
}

/**
 * Loads all definitions. Nothing is thrown for bad content: a broken component is in `broken`, the others go on.
 * @param options.root '' or the directory of `--root=`
 * @param options.vendor the tree of another OS, whose `/usr/lib` takes the place of the host's
 * @param options.definitions a directory that replaces all search directories; each file in it is a component
 * @param options.unwanted components that count as turned off by their features, whatever their switches say
 */
export function loadDefinitions(
  options: {
    readonly root: string;
    readonly definitions?: string;
    readonly vendor?: Tree | undefined;
    readonly unwanted?: readonly string[] | undefined;
  },
  values: SpecifierValues,
): Definitions {
  const host = treeAt(rootOfDefinitions(options));
  const tree = options.vendor ? withDirectoryOf(host, '/usr/lib', options.vendor) : host;
  const candidates =
    options.definitions === undefined
      ? [...ownCandidates(tree, ownDirectories), ...sysupdateCandidates(tree)]
      : ownCandidates(tree, [options.definitions]);
  const byName = groupByName(candidates);

  const result: Mutable<Definitions> = { components: [], broken: [], left: [], disabled: [], known: [], warnings: [] };
  const untouched: Transfer[] = [];
  for (const [name, [candidate, ...others]] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (candidate === undefined) continue;
    if (!isComponentName(name)) {
      result.broken.push({ name, problems: [badName(candidate)] });
      continue;
    }
    if (others.length > 0) {
      result.broken.push({ name, problems: [definedTwice(name, [candidate, ...others])] });
      continue;
    }
    const { known, warnings, ...loaded } = loadComponent(tree, candidate, values, {
      unwanted: options.unwanted?.includes(name) === true,
    });
    result.known.push(known);
    result.warnings.push(...warnings.map((warning) => ({ ...warning, name })));
    if (loaded.is === 'managed') result.components.push(loaded.component);
    else if (loaded.is === 'broken') result.broken.push({ name, problems: loaded.problems });
    else if (loaded.is === 'left') result.left.push({ name, reason: loaded.reason });
    else if (loaded.is === 'disabled') {
      result.disabled.push(name);
      untouched.push(...loaded.transfers);
    }
  }
  const checked = checkConflicts(result.components, untouched);
  return { ...result, components: checked.components, broken: [...result.broken, ...checked.broken] };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Candidates of each name; a directory without transfers counts only where there is nothing else. */
function groupByName(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  const [full, bare] = [true, false].map((isFull) => candidates.filter(({ files }) => files.length > 0 === isFull));
  for (const candidate of full ?? []) groups.set(candidate.name, [...(groups.get(candidate.name) ?? []), candidate]);
  for (const candidate of bare ?? []) {
    if (!groups.has(candidate.name) && isComponentName(candidate.name)) groups.set(candidate.name, [candidate]);
  }
  return groups;
}

/** A file name, and a word of the command line: no control characters, no `@`, which separates the version. */
export function isComponentName(name: string): boolean {
  // Names that every object of JavaScript has would be found where nothing is.
  return /^[^\s@/\u0000-\u001f\u007f-\u009f]+$/.test(name) && !(name in Object.prototype);
}

function badName(candidate: Candidate): Problem {
  const file = candidate.files[0]?.path ?? '';
  const message = `${JSON.stringify(candidate.name)} is not a name for a component; allowed: characters without blanks and "@"`;
  return { file, line: 1, message, severity: 'error' };
}

function definedTwice(name: string, candidates: readonly Candidate[]): Problem {
  const files = candidates.flatMap(({ files: [file] }) => file?.path ?? []);
  return {
    file: files[0] ?? name,
    line: 1,
    message: `the component ${name} is defined by ${files.join(' and ')}; allowed: one of them (mask the other)`,
    severity: 'error',
  };
}

/** Settings as `file:line: message`, the form of every problem report. */
export function renderProblem(problem: Problem): string {
  return withoutSecrets(`${problem.file}:${problem.line}: ${problem.message}`);
}
