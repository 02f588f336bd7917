/** Everything that is known where a difference was seen, and what can be told from it. */
import { posix } from 'node:path';
import type { Document, VersionDocument } from '../../../src/cli/document.ts';
import { isTreeTarget, sourceTraits } from '../../../src/source/source-types.ts';
import { newestFirst } from '../../../src/version/compare.ts';
import { matchPattern, matchPatterns, type Pattern, parsePattern } from '../../../src/version/pattern.ts';
import type { Difference } from './compare.ts';
import type { Observation } from './observation.ts';
import { type PublishedFile, type Scenario, STORE, type Step, type TransferSpec } from './scenario.ts';
import type { Tree } from './tree.ts';

/** The versions of systemd that extupdate is compared with. */
export const systemdVersions = [257, 262] as const;
export type SystemdVersion = (typeof systemdVersions)[number];

export interface Situation {
  readonly scenario: Scenario;
  readonly systemd: SystemdVersion;
  readonly command: Extract<Step, { do: 'command' }>;
  /** The steps that went before. */
  readonly earlier: readonly Step[];
  /** What was installed before the command, of both. */
  readonly before: Tree;
  readonly bySystemd: Observation;
  readonly byExtupdate: Observation & { readonly document?: Document };
  /** All differences that this command made. */
  readonly differences: readonly Difference[];
}

/** The version that systemd-sysupdate would install, or installs; null = none. */
export function chosenBySystemd({ bySystemd }: Situation): string | null {
  if (bySystemd.candidate !== undefined) return bySystemd.candidate;
  return /^Selected update '([^']+)' for install\.$/m.exec(bySystemd.said)?.[1] ?? null;
}

/** What extupdate tells of all versions that it knows, newest first. */
export function statesOf({ byExtupdate }: Situation): readonly VersionDocument[] {
  return byExtupdate.document?.components[0]?.versions ?? [];
}

/** A file that a pattern matches. */
export interface MatchedFile {
  readonly path: string;
  readonly version: string;
  /** Which pattern of the list it is. */
  readonly rank: number;
}

/** What the patterns of a transfer match in its target directory, whoever put it there, and whosever else it is. */
export function installedOf(spec: TransferSpec, tree: Tree): MatchedFile[] {
  const wanted = isTreeTarget(spec.targetType) ? 'tree' : 'file';
  const files = [...tree].filter(([, { kind }]) => kind === wanted).map(([path]) => path);
  return matchedBy(targetPatternsOf(spec), spec.targetDirectory, files);
}

/** Whether features turn a transfer off. */
export function isOff({ transfer }: TransferSpec, { scenario, earlier }: Situation): boolean {
  const features = { ...scenario.features };
  for (const step of earlier) if (step.do === 'feature') features[step.name] = step.enabled;
  return [transfer.Features, transfer.RequisiteFeatures].some((name) => name !== undefined && !features[String(name)]);
}

/** The version that counts as visible before the command, by transfer. */
export function visibleOf(situation: Situation): Map<TransferSpec, string | undefined> {
  const { scenario, before } = situation;
  const linked = scenario.transfers.filter(({ target }) => target.CurrentSymlink !== undefined);
  const plain = scenario.transfers.filter((spec) => !linked.includes(spec));
  const visible = new Map(linked.map((spec) => [spec, linkedOf(spec, before)]));
  const shown = new Set(visible.values());
  const held = new Set(statesOf(situation).flatMap((state) => (state.held ? state.version : [])));
  const [first = [], ...others] = plain.map((spec) => installedOf(spec, before).map(({ version }) => version));
  const common = first
    .filter((version) => !held.has(version) && others.every((other) => other.includes(version)))
    .sort(newestFirst)[0];
  const version = shown.size === 1 ? ([...shown][0] ?? common) : common;
  for (const spec of plain) visible.set(spec, plainOf(spec, before, version, held));
  return visible;
}

/** The same of the whole set; undefined where its transfers do not agree. */
export function visibleSetOf(situation: Situation): string | undefined {
  const all = new Set(visibleOf(situation).values());
  return all.size === 1 ? [...all][0] : undefined;
}

function linkedOf(spec: TransferSpec, tree: Tree): string | undefined {
  const place = linkOf(spec) ?? '';
  const target = posix.join(posix.dirname(place), tree.get(place)?.content ?? '');
  return installedOf(spec, tree).find(({ path }) => path === target)?.version;
}

/** Where no link shows a version, that of the set counts, else the newest. */
function plainOf(
  spec: TransferSpec,
  tree: Tree,
  ofSet: string | undefined,
  held: ReadonlySet<string>,
): string | undefined {
  const versions = installedOf(spec, tree)
    .map(({ version }) => version)
    .sort(newestFirst);
  return versions.find((version) => version === ofSet) ?? versions.find((version) => !held.has(version)) ?? versions[0];
}

/** Where the link of a transfer is, below the store. */
export function linkOf({ target: { CurrentSymlink: link }, targetDirectory }: TransferSpec): string | undefined {
  if (link === undefined) return undefined;
  return link.startsWith(`${STORE}/`) ? link.slice(STORE.length + 1) : posix.join(targetDirectory, link);
}

/** The newest version of which all transfers have something installed. */
export function newestWholeOf({ transfers }: Scenario, tree: Tree): string | undefined {
  const [first = [], ...others] = transfers.map((spec) => installedOf(spec, tree).map(({ version }) => version));
  return first.filter((version) => others.every((other) => other.includes(version))).sort(newestFirst)[0];
}

/** What of the published files is a version of a transfer. */
export function offeredOf(spec: TransferSpec, { earlier }: Situation): MatchedFile[] {
  const isTree = sourceTraits[spec.sourceType].form === 'tree';
  const published = [...publishedAfter(earlier).values()].filter(({ tree }) => (tree?.form === 'directory') === isTree);
  const paths = published.map(({ path }) => path);
  return matchedBy(sourcePatternsOf(spec), spec.sourceDirectory, paths);
}

/** What is on the server after these steps. */
export function publishedAfter(steps: readonly Step[]): Map<string, PublishedFile> {
  const published = new Map<string, PublishedFile>();
  for (const step of steps) {
    if (step.do === 'publish') for (const file of step.files) published.set(file.path, file);
    if (step.do === 'withdraw') for (const path of step.paths) published.delete(path);
  }
  return published;
}

/** Whether a name, on the server or installed, is longer than what a pattern of that place matches. */
export function hasLongerName(situation: Situation): boolean {
  const { scenario, before, earlier } = situation;
  const published = [...publishedAfter(earlier).keys()];
  return scenario.transfers.some((spec) =>
    [
      ...below(spec.targetDirectory, [...before.keys()]).map((name) => isLonger(targetPatternsOf(spec), name)),
      ...below(spec.sourceDirectory, published).map((name) => isLonger(sourcePatternsOf(spec), name)),
    ].some(Boolean),
  );
}

export function sourcePatternsOf({ sourcePatterns }: TransferSpec): Pattern[] {
  return sourcePatterns.map(parsePattern);
}

export function targetPatternsOf(spec: TransferSpec): Pattern[] {
  const texts = spec.targetPatterns.length > 0 ? spec.targetPatterns : spec.sourcePatterns;
  return texts.map((text) => parsePattern(text.replace(/^\*\*\//, '')));
}

function isLonger(patterns: readonly Pattern[], name: string): boolean {
  const beginnings = Array.from(name, (_, length) => name.slice(0, length));
  return beginnings.some((beginning) => matchPatterns(patterns, beginning) !== undefined);
}

function matchedBy(patterns: readonly Pattern[], directory: string, paths: readonly string[]): MatchedFile[] {
  return below(directory, paths).flatMap((name) => {
    const rank = patterns.findIndex((pattern) => matchPattern(pattern, name) !== undefined);
    const fields = patterns[rank] && matchPattern(patterns[rank], name);
    return fields ? [{ path: directory === '' ? name : `${directory}/${name}`, version: fields.version, rank }] : [];
  });
}

function below(directory: string, paths: readonly string[]): string[] {
  const prefix = directory === '' ? '' : `${directory}/`;
  return paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
}
