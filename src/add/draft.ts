/**
 * What `add` would write: the definition of an extension, made from what a repository lists and what one of its images
 * says, and what `check` would find with it. Nothing is written here.
 */
import { join } from 'node:path';
import { nothingFits } from '../acquire.ts';
import { systemdVersion } from '../apply/health.ts';
import { ownDirectories, rootOfDefinitions } from '../definition/candidates.ts';
import { checkConflicts } from '../definition/conflicts.ts';
import { definitionFilesOf } from '../definition/definition-files.ts';
import { parseExtensionSettings } from '../definition/extension-settings.ts';
import { parseIni } from '../definition/ini.ts';
import { renderProblem } from '../definition/load.ts';
import { expandSpecifiers } from '../definition/specifiers.ts';
import { parseTransfer } from '../definition/transfer.ts';
import { ConfigError, type ErrorReport, reportOf, UsageError } from '../errors.ts';
import { readBoundedFile } from '../os/bounded-file.ts';
import { treeAt } from '../os/root.ts';
import { readState } from '../os/state.ts';
import type { Resolution } from '../resolve/resolver.ts';
import { settle } from '../settle.ts';
import type { Offering } from '../source/offerings.ts';
import { surveyAll } from '../survey.ts';
import type { System } from '../system.ts';
import type { Component } from '../types.ts';
import { isVersion } from '../version/compare.ts';
import { matchPattern, type Pattern, PatternError, parsePattern } from '../version/pattern.ts';
import { chooseTarget, type InnerName } from './choose-target.ts';
import { isWrittenByAdd, renderDefinition } from './definition-text.ts';
import type { FoundOffering } from './find-offering.ts';
import { lookInside } from './look-inside.ts';
import { isNewName, newNameRule } from './new-name.ts';

const BY_HAND = 'names like these need a definition that is written by hand: see docs/first-steps.md';

/** A definition that can be written. */
export interface Draft {
  readonly component: string;
  /** As seen inside the root. */
  readonly file: string;
  readonly text: string;
  /** What the text defines. */
  readonly definition: Component;
  /** The directory of the repository, with a slash at its end. */
  readonly url: string;
  /** Versions that the list has for this machine. */
  readonly versions: number;
  readonly inner: InnerName;
  /** What `check` would find. */
  readonly resolution: Resolution;
  /** Why nothing would be installed now. */
  readonly unfit?: ErrorReport;
}

/**
 * Where the definition of a new component goes.
 * @param force whether one that `add` has written is replaced
 * @throws UsageError when there is one already, or the name cannot be one
 */
export function placeFor(system: System, name: string, force: boolean): string {
  const { definitions } = system.options;
  if (!isNewName(name)) {
    throw new UsageError(`${JSON.stringify(name)} cannot be the name of a component`, {
      next: `expected ${newNameRule}`,
    });
  }
  const directory = definitions ?? ownDirectories[0] ?? '';
  const file = join(directory, `${name}.transfer`);
  const tree = treeAt(rootOfDefinitions(system.options));
  const found = definitionFilesOf(tree, name, definitions);
  const present = found.find(({ masked }) => !masked);
  const [mask] = found.filter(({ masked }) => masked);
  if (!present && !mask) return file;
  if (!present) {
    throw new UsageError(`${name}: there is a mask of that name, ${mask?.path}`, {
      next: `rm ${mask?.path} takes the mask away; then add it again`,
    });
  }
  const isOurs = present.path === file && isWrittenByAdd(readBoundedFile('', present.place)?.toString() ?? '');
  if (isOurs && force) return file;
  throw new UsageError(`${name} is defined already, by ${present.path}`, {
    next: isOurs
      ? '--force writes it anew'
      : force
        ? '--force only replaces what add has written: edit the file, or choose another name'
        : `"extupdate list ${name}" shows what it offers; edit the file, or choose another name`,
  });
}

/**
 * Makes the definition.
 * @throws UnsuitableError for what is no extension; ConfigError when it would be in the way of another component
 */
export async function draftDefinition(
  system: System,
  { name, file }: { readonly name: string; readonly file: string },
  { url, list, offerings, offering: offered }: FoundOffering,
  { verify, signedBy }: { readonly verify: boolean; readonly signedBy: readonly string[] },
): Promise<Draft> {
  const { offering, inner } = await lookInside(system, name, url, list.manifest.entries, offered);
  const text = renderDefinition({
    name,
    url: `${url}/`,
    verify,
    signedBy,
    patterns: offering.compressions.map((suffix) => offering.pattern + suffix),
    target: chooseTarget(offering, inner, await hasVersioned(system)),
    skipVersions: skippedIn(system, offering, offerings),
  });
  const definition = readDefinition(system, name, file, text);
  const versions = versionsOf(offering);
  const found = await wouldFind(system, definition);
  return { component: name, file, text, definition, url: `${url}/`, versions, inner, ...found };
}

/** The first systemd that looks into `.v` directories; of a tree in a directory, nobody asks. */
const VERSIONED_SINCE = 256;

async function hasVersioned({ options: { root } }: System): Promise<boolean> {
  const version = root === '' ? await systemdVersion() : 0;
  return version === 0 || version >= VERSIONED_SINCE;
}

function versionsOf({ images }: Offering): number {
  return new Set(images.map(({ version }) => version)).size;
}

/** Other extensions whose images the pattern takes for versions: `git-lfs-2.1` is no "lfs-2.1" of git. */
function skippedIn({ host }: System, { extension, pattern }: Offering, offerings: readonly Offering[]): string[] {
  const expanded = readPattern(expandSpecifiers(pattern, host.specifiers));
  const others = offerings.filter((other) => other.extension !== extension && other.extension.startsWith(extension));
  const globs = others.flatMap((other) => {
    const isTaken = other.images.some(({ file }) => matchPattern(expanded, file) !== undefined);
    const rest = other.extension.slice(extension.length + 1);
    return isTaken && isVersion(rest) ? [`${rest}[_-]*`] : [];
  });
  return [...new Set(globs)];
}

/** @throws ConfigError for names that no pattern can stand for */
function readPattern(text: string): Pattern {
  try {
    return parsePattern(text);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new ConfigError(`"${text}" ${error.message}`, { cause: error, next: BY_HAND });
  }
}

/** Reads the definition as every run will. @throws ConfigError */
function readDefinition(system: System, name: string, file: string, text: string): Component {
  const { assignments, problems } = parseIni(text, file);
  const parsed = parseTransfer(name, file, assignments, system.host.specifiers);
  const own = parseExtensionSettings(assignments);
  const all = [...problems, ...parsed.problems, ...own.problems].filter(({ severity }) => severity === 'error');
  const { transfer } = parsed;
  if (!transfer || all.length > 0) {
    throw new ConfigError(all.map(renderProblem).join('\n'), { next: BY_HAND });
  }
  const component: Component = {
    name,
    origin: 'extupdate',
    transfers: [transfer],
    disabledTransfers: [],
    settings: own.settings,
  };
  const others = system.definitions.components.filter((one) => one.name !== name);
  const checked = checkConflicts([...others, component], []);
  const conflict = checked.broken.find((one) => one.name === name);
  if (conflict) {
    throw new ConfigError(`${name}: ${conflict.problems.map(({ message }) => message).join('; ')}`, {
      next: 'two components cannot have the same files: remove the other one first',
    });
  }
  return checked.components.find((one) => one.name === name) ?? component;
}

/** What `check` finds for a component that is not defined yet. */
async function wouldFind(system: System, component: Component): Promise<Pick<Draft, 'resolution' | 'unfit'>> {
  const state = readState(system.options.root, false);
  const definitions = { ...system.definitions, components: [component] };
  const [survey] = await surveyAll({ ...system, definitions }, state, { sources: true });
  if (!survey) throw new Error('there is no survey of a component that is not turned off');
  const resolution = await settle(system, state, survey);
  await system.facts.save(new Set(survey.offered.map(({ sha256 }) => sha256)));
  const failure = survey.failure ?? survey.unreadable;
  const unfit = failure ?? unfitReport(system, resolution);
  return { resolution, ...(unfit ? { unfit } : {}) };
}

function unfitReport(system: System, resolution: Resolution): ErrorReport | undefined {
  const unfit = nothingFits(system, resolution);
  return unfit && reportOf(unfit);
}
