/** One component out of its files: what it is, its features, and its transfers, on and off. */
import type { Tree } from '../os/root.ts';
import type { Component, ExtensionSettings, Transfer } from '../types.ts';
import { type Candidate, stem } from './candidates.ts';
import { type ComponentInfo, loadComponentInfo } from './component-file.ts';
import { parseExtensionSettings } from './extension-settings.ts';
import { type Feature, isEnabled, loadFeatures } from './features.ts';
import type { Assignment, Problem } from './ini.ts';
import { readWithDropIns } from './search.ts';
import type { SpecifierValues } from './specifiers.ts';
import { type ParsedTransfer, parseTransfer, withKind } from './transfer.ts';

/** What is said of a component, beside how it is kept current. */
export interface KnownComponent extends Pick<Candidate, 'name' | 'origin' | 'dropIns'> {
  readonly info: ComponentInfo;
  readonly features: readonly ListedFeature[];
  /** Whether there is a transfer, on or off: a directory alone is a component too. */
  readonly hasTransfers: boolean;
}

export interface ListedFeature extends Feature {
  /** Ids of the transfers that it has a say in: those that are on first. */
  readonly transfers: readonly string[];
}

/** A component, and what becomes of it. */
export type LoadedComponent = { readonly known: KnownComponent; readonly warnings: readonly Problem[] } & (
  | { readonly is: 'managed'; readonly component: Component }
  | { readonly is: 'broken'; readonly problems: readonly Problem[] }
  | { readonly is: 'left'; readonly reason: string }
  /** Nothing of the transfers is touched: only their names count. */
  | { readonly is: 'disabled'; readonly transfers: readonly Transfer[] }
  /** There are no transfers. */
  | { readonly is: 'bare' }
);

/**
 * Loads a component. Nothing is thrown for bad content.
 * @param options.unwanted whether it counts as turned off, whatever its switches say
 */
export function loadComponent(
  tree: Tree,
  candidate: Candidate,
  values: SpecifierValues,
  { unwanted }: { readonly unwanted: boolean },
): LoadedComponent {
  const { name, origin, directories, componentFile, dropIns } = candidate;
  const { info, ...own } = loadComponentInfo(tree, componentFile.name, componentFile.directories, values);
  const { features, ...featureFiles } = loadFeatures(tree, directories, values);
  const { problems: transferProblems, ...read } = readTransfers(tree, candidate, features, values);
  const { on, off } = unwanted ? { on: [], off: [...read.on, ...read.off] } : read;
  const listed = listFeatures([...features.values()], [...on, ...off]).filter(
    // The directory for single extensions holds features of all of them.
    ({ transfers }) => origin === 'sysupdate' || transfers.length > 0,
  );
  const hasTransfers = candidate.files.length > 0;
  const known = { name, origin, dropIns, info, features: listed, hasTransfers };
  if (!hasTransfers) return { known, warnings: [], is: 'bare' };
  if (!info.enabled && !unwanted) {
    const transfers = [...on, ...off].flatMap(({ parsed }) => parsed.transfer ?? []);
    return { known, warnings: [], is: 'disabled', transfers };
  }

  // What is off has no say in how what is on is kept, but must be without mistakes too, as systemd has it.
  const settings = settingsOf(on);
  const offSettings = settingsOf(off);
  const files = [own, featureFiles, settings, offSettings];
  const problems = [
    ...files.flatMap((file) => file.problems),
    ...transferProblems,
    ...unverified(on),
    ...unverified(off),
  ];
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return { known, warnings, is: 'broken', problems: errors };

  // A transfer that is off and somebody else's is no reason to leave the others.
  const reasons = (on.length > 0 ? on : off).flatMap(({ parsed }) => parsed.left ?? []);
  if (reasons.length > 0) return { known, warnings, is: 'left', reason: [...new Set(reasons)].join('; ') };
  const component: Component = {
    name,
    origin,
    transfers: transfersOf(on, settings.settings),
    disabledTransfers: transfersOf(off, offSettings.settings),
    settings: (on.length > 0 ? settings : offSettings).settings,
  };
  return { known, warnings, is: 'managed', component };
}

interface ReadTransfer {
  readonly id: string;
  readonly parsed: ParsedTransfer;
  readonly assignments: readonly Assignment[];
}

/** The transfers that features leave on, and those that they turn off. */
function readTransfers(
  tree: Tree,
  { files, directories }: Candidate,
  features: ReadonlyMap<string, Feature>,
  values: SpecifierValues,
): { on: ReadTransfer[]; off: ReadTransfer[]; problems: Problem[] } {
  const on: ReadTransfer[] = [];
  const off: ReadTransfer[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const { assignments, ...read } = readWithDropIns(tree, file, directories);
    problems.push(...read.problems);
    // Of a file that cannot be read, that is all there is to say.
    if (read.unreadable) continue;
    const id = stem(file.name);
    const parsed = parseTransfer(id, file.path, assignments, values);
    problems.push(...parsed.problems);
    (isEnabled(parsed, features) ? on : off).push({ id, parsed, assignments });
  }
  return { on, off, problems };
}

function listFeatures(features: readonly Feature[], transfers: readonly ReadTransfer[]): ListedFeature[] {
  return features.map((feature) => {
    const named = transfers.filter(({ parsed }) =>
      [...parsed.features, ...parsed.requisiteFeatures].includes(feature.id),
    );
    return { ...feature, transfers: named.map(({ id }) => id) };
  });
}

function settingsOf(read: readonly ReadTransfer[]): ReturnType<typeof parseExtensionSettings> {
  return parseExtensionSettings(read.flatMap(({ assignments }) => assignments));
}

/** Who names the keys that may sign, and has nothing verified, does not get what the names promise. */
function unverified(read: readonly ReadTransfer[]): Problem[] {
  const isOff = read.some(({ parsed: { transfer } }) => transfer?.verify === false);
  const pinned = read
    .flatMap(({ assignments }) => assignments)
    .find(({ section, key }) => section === 'X-Extupdate' && (key === 'SignedBy' || key === 'Threshold'));
  if (!isOff || !pinned) return [];
  const { file, line, key } = pinned;
  return [
    { file, line, message: `${key}=: nothing is verified with Verify=no; allowed: one of them`, severity: 'error' },
  ];
}

function transfersOf(read: readonly ReadTransfer[], { kind }: ExtensionSettings): Transfer[] {
  return read.flatMap(({ parsed: { transfer } }) => (transfer ? [withKind(transfer, kind)] : []));
}
