/** Everything that is defined on a host: components, what is wrong with them, and what is left to other tools. */
import { type Tree, treeAt, withDirectoryOf } from '../os/root.ts';
import type { Component, ExtensionSettings, Transfer } from '../types.ts';
import { checkConflicts } from './conflicts.ts';
import { parseExtensionSettings } from './extension-settings.ts';
import { isEnabled, loadFeatures } from './features.ts';
import type { Assignment, Problem } from './ini.ts';
import { configDirectories, type FoundFile, findDirectories, findFiles, readWithDropIns } from './search.ts';
import type { SpecifierValues } from './specifiers.ts';
import { type ParsedTransfer, parseTransfer, withKind } from './transfer.ts';

export interface Definitions {
  /** Sorted by name. */
  readonly components: readonly Component[];
  /** Components whose definition has errors. */
  readonly broken: readonly { readonly name: string; readonly problems: readonly Problem[] }[];
  /** Valid components that extupdate does not manage, and why. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
  /** Components that are turned off as a whole: nothing of theirs is touched. */
  readonly disabled: readonly string[];
  /** Settings that are ignored, and the like. */
  readonly warnings: readonly Problem[];
}

/** The name of the component that `sysupdate.d/` holds. */
export const DEFAULT_COMPONENT = 'default';

type Origin = Component['origin'];

interface Candidate {
  readonly name: string;
  readonly origin: Origin;
  readonly directories: readonly string[];
  readonly files: readonly FoundFile[];
}

/**
 * Loads all definitions. Nothing is thrown for bad content: a broken component is in `broken`, the others go on.
 * @param options.root '' or the directory of `--root=`
 * @param options.vendor the tree of another OS, whose `/usr/lib` takes the place of the host's
 * @param options.definitions a directory that replaces all search directories; each file in it is a component
 */
export function loadDefinitions(
  options: { readonly root: string; readonly definitions?: string; readonly vendor?: Tree | undefined },
  values: SpecifierValues,
): Definitions {
  const host = treeAt(options.definitions === undefined ? options.root : '');
  const tree = options.vendor ? withDirectoryOf(host, '/usr/lib', options.vendor) : host;
  const candidates =
    options.definitions === undefined
      ? [...ownCandidates(tree, inAll('extupdate/transfer.d')), ...sysupdateCandidates(tree)]
      : ownCandidates(tree, [options.definitions]);
  const byName = groupByName(candidates);

  const result = { components: [], broken: [], left: [], disabled: [], warnings: [] } as Mutable<Definitions>;
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
    loadComponent(tree, candidate, values, result);
  }
  const checked = checkConflicts(result.components);
  return { ...result, components: checked.components, broken: [...result.broken, ...checked.broken] };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

function loadComponent(tree: Tree, candidate: Candidate, values: SpecifierValues, result: Mutable<Definitions>): void {
  const { name, origin, directories } = candidate;
  const { features, problems } = loadFeatures(tree, directories);
  const on: ReadTransfer[] = [];
  const off: ReadTransfer[] = [];
  for (const file of candidate.files) {
    const { assignments, ...read } = readWithDropIns(tree, file, directories);
    problems.push(...read.problems);
    // Of a file that cannot be read, that is all there is to say.
    if (read.unreadable) continue;
    const parsed = parseTransfer(stem(file.name), file.path, assignments, values);
    problems.push(...parsed.problems);
    (isEnabled(parsed, features) ? on : off).push({ parsed, assignments });
  }
  // What is off has no say in how what is on is kept, but must be without mistakes too, as systemd has it.
  const [settings, offSettings] = [on, off].map(settingsOf);
  problems.push(...(settings?.problems ?? []), ...(offSettings?.problems ?? []));

  result.warnings.push(...problems.filter((problem) => problem.severity === 'warning'));
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0 || !settings || !offSettings) {
    result.broken.push({ name, problems: errors });
    return;
  }
  // A transfer that is off and somebody else's is no reason to leave the others.
  const reasons = (on.length > 0 ? on : off).flatMap(({ parsed }) => parsed.left ?? []);
  if (reasons.length > 0) {
    result.left.push({ name, reason: [...new Set(reasons)].join('; ') });
    return;
  }
  result.components.push({
    name,
    origin,
    transfers: transfersOf(on, settings.settings),
    disabledTransfers: transfersOf(off, offSettings.settings),
    settings: (on.length > 0 ? settings : offSettings).settings,
  });
}

interface ReadTransfer {
  readonly parsed: ParsedTransfer;
  readonly assignments: readonly Assignment[];
}

function settingsOf(read: readonly ReadTransfer[]): ReturnType<typeof parseExtensionSettings> {
  return parseExtensionSettings(read.flatMap(({ assignments }) => assignments));
}

function transfersOf(read: readonly ReadTransfer[], { kind }: ExtensionSettings): Transfer[] {
  return read.flatMap(({ parsed: { transfer } }) => (transfer ? [withKind(transfer, kind)] : []));
}

/** extupdate's own directory: every file is a component, named without a leading `NN-`. */
function ownCandidates(tree: Tree, directories: readonly string[]): Candidate[] {
  return transferFiles(tree, directories).map((file) => ({
    name: stem(file.name).replace(/^[0-9]+-/, ''),
    origin: 'extupdate' as const,
    directories,
    files: [file],
  }));
}

/** systemd's directories: all files of a directory are one component. */
function sysupdateCandidates(tree: Tree): Candidate[] {
  const named = findDirectories(tree, 'sysupdate.', '.d').filter((name) => !name.endsWith('.component'));
  const sets = [
    { name: DEFAULT_COMPONENT, directories: inAll('sysupdate.d') },
    ...named.map((name) => ({ name, directories: inAll(`sysupdate.${name}.d`) })),
  ];
  return sets.flatMap(({ name, directories }) => {
    const files = transferFiles(tree, directories);
    return files.length === 0 ? [] : [{ name, origin: 'sysupdate' as const, directories, files }];
  });
}

/** `*.conf` counts only where there is no `*.transfer` that is not masked (sysupdate.d(5), legacy suffix). */
function transferFiles(tree: Tree, directories: readonly string[]): FoundFile[] {
  const unmasked = (suffix: string) => findFiles(tree, directories, suffix).filter((file) => !file.masked);
  const transfers = unmasked('.transfer');
  return transfers.length > 0 ? transfers : unmasked('.conf');
}

function inAll(name: string): string[] {
  return configDirectories.map((directory) => `${directory}/${name}`);
}

function stem(fileName: string): string {
  return fileName.replace(/\.(transfer|conf)$/, '');
}

function groupByName(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) groups.set(candidate.name, [...(groups.get(candidate.name) ?? []), candidate]);
  return groups;
}

/** A file name, and a word of the command line: no control characters, no `@`, which separates the version. */
function isComponentName(name: string): boolean {
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
  return `${problem.file}:${problem.line}: ${problem.message}`;
}
