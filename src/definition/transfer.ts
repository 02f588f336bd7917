/** `[Transfer]`, `[Source]` and `[Target]` of sysupdate.d(5): assignments in, a {@link Transfer} or problems out. */
import { parseBoolean } from '../syntax.ts';
import {
  type Kind,
  type SourceType,
  sourceTypes,
  type TargetType,
  type Transfer,
  type TransferSource,
  type TransferTarget,
  targetTypes,
} from '../types.ts';
import { isVersion } from '../version/compare.ts';
import { type Pattern, PatternError, parsePattern } from '../version/pattern.ts';
import type { Assignment, Problem } from './ini.ts';
import { kindOfTarget } from './kind.ts';
import { expandSpecifiers, type SpecifierValues } from './specifiers.ts';

/** What a transfer definition says; `transfer` is missing when it has errors or is left to another tool. */
export interface ParsedTransfer {
  readonly transfer?: Transfer;
  /** Names of features, any of which enables it; empty = always. */
  readonly features: readonly string[];
  /** Names of features that all have to be enabled. */
  readonly requisiteFeatures: readonly string[];
  /** Why extupdate leaves a valid definition alone, such as a partition as target. */
  readonly left?: string;
  readonly problems: readonly Problem[];
}

/** sysupdate.d(5): how many versions stay when `InstancesMax=` is not set, and the least that can be set. */
const INSTANCES_MAX_DEFAULT = 3;
const INSTANCES_MAX_LEAST = 2;

const KNOWN_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  Transfer: ['MinVersion', 'ProtectVersion', 'Verify', 'ChangeLog', 'AppStream', 'Features', 'RequisiteFeatures'],
  Source: ['Type', 'Path', 'PathRelativeTo', 'MatchPattern'],
  Target: [
    'Type',
    'Path',
    'PathRelativeTo',
    'MatchPattern',
    'MatchPartitionType',
    'PartitionUUID',
    'PartitionFlags',
    'PartitionNoAuto',
    'PartitionGrowFileSystem',
    'ReadOnly',
    'Mode',
    'TriesDone',
    'TriesLeft',
    'InstancesMax',
    'RemoveTemporary',
    'CurrentSymlink',
  ],
};

/** Reads the sections of sysupdate.d(5); `[X-Extupdate]` is for `extension-settings.ts`. */
export function parseTransfer(
  id: string,
  file: string,
  assignments: readonly Assignment[],
  values: SpecifierValues,
): ParsedTransfer {
  const reader = new SettingReader(file, assignments, values);
  reader.warnUnknown();

  const minVersion = reader.version('Transfer', 'MinVersion');
  const protectVersions = reader.versions('Transfer', 'ProtectVersion');
  const verify = reader.boolean('Transfer', 'Verify') ?? true;
  const features = reader.words('Transfer', 'Features');
  const requisiteFeatures = reader.words('Transfer', 'RequisiteFeatures');
  const source = readSource(reader);
  // Read even when the source is broken, so that all problems are told at once.
  const target = readTarget(reader, source);

  const common = { features, requisiteFeatures, problems: reader.problems };
  if (!source || !target || reader.problems.some((problem) => problem.severity === 'error')) return common;

  const left = reasonToLeave(reader, source, target);
  if (left !== undefined) return { ...common, left };
  const transfer: Transfer = {
    id,
    file,
    kind: kindOfTarget(target),
    protectVersions,
    verify,
    source,
    target,
    ...(minVersion === undefined ? {} : { minVersion }),
  };
  return { ...common, transfer };
}

function readSource(reader: SettingReader): TransferSource | undefined {
  const type = reader.oneOf<SourceType>('Source', 'Type', sourceTypes);
  const isUrl = type?.startsWith('url-') ?? reader.last('Source', 'Path')?.value.includes('://');
  const path = isUrl ? reader.url('Source', 'Path') : reader.path('Source', 'Path');
  const patterns = reader.patterns('Source', 'MatchPattern');
  if (type === undefined) reader.missing('Source', 'Type', sourceTypes.join(', '));
  if (path === undefined) reader.missing('Source', 'Path', 'where the versions are');
  if (patterns.length === 0) reader.missing('Source', 'MatchPattern', 'a pattern with @v, such as NAME_@v.raw');
  return type === undefined || path === undefined || patterns.length === 0 ? undefined : { type, path, patterns };
}

function readTarget(reader: SettingReader, source: TransferSource | undefined): TransferTarget | undefined {
  const rawPath = reader.last('Target', 'Path');
  const type =
    reader.oneOf<TargetType>('Target', 'Type', targetTypes) ??
    defaultTargetType(source?.type ?? 'url-file', rawPath?.value);
  const path = rawPath?.value === 'auto' ? 'auto' : reader.path('Target', 'Path');
  if (path === undefined) reader.missing('Target', 'Path', 'the directory for the versions');
  const own = reader.patterns('Target', 'MatchPattern');
  const patterns =
    own.length > 0 ? own : (source?.patterns ?? []).map((pattern) => ({ ...pattern, anyDirectory: false }));
  if (own.some((pattern) => pattern.anyDirectory)) {
    reader.problem(reader.last('Target', 'MatchPattern'), 'MatchPattern=: "**/" is for sources only; allowed: a name');
  }
  const instancesMax = reader.count('Target', 'InstancesMax') ?? INSTANCES_MAX_DEFAULT;
  const currentSymlink = reader.path('Target', 'CurrentSymlink', path);
  const mode = reader.mode('Target', 'Mode');
  const readOnly = reader.boolean('Target', 'ReadOnly');
  if (path === undefined) return undefined;
  return {
    type,
    path,
    patterns,
    instancesMax: Math.max(instancesMax, INSTANCES_MAX_LEAST),
    ...(currentSymlink === undefined ? {} : { currentSymlink }),
    ...(mode === undefined ? {} : { mode }),
    ...(readOnly === undefined ? {} : { readOnly }),
  };
}

/** sysupdate.d(5), `Type=` of `[Target]`. */
function defaultTargetType(source: SourceType, path: string | undefined): TargetType {
  switch (source) {
    case 'url-file':
    case 'regular-file':
      return path === 'auto' || path?.startsWith('/dev/') ? 'partition' : 'regular-file';
    case 'subvolume':
      return 'subvolume';
    case 'url-tar':
    case 'tar':
    case 'directory':
      return 'directory';
  }
}

function reasonToLeave(reader: SettingReader, source: TransferSource, target: TransferTarget): string | undefined {
  if (target.type === 'partition') return 'its target is a partition';
  const relativeTo = reader.last('Target', 'PathRelativeTo')?.value ?? 'root';
  if (relativeTo !== 'root') return `its target is relative to the ${relativeTo} partition`;
  if (source.type !== 'url-file') return `its source has the type ${source.type}`;
  if (target.type !== 'regular-file') return `its target has the type ${target.type}`;
  return undefined;
}

/** Picks typed values out of assignments and collects what is wrong with them. */
class SettingReader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  /** Settings whose value was refused, as SECTION.KEY. */
  readonly #reported = new Set<string>();
  readonly #assignments: readonly Assignment[];
  readonly #values: SpecifierValues;

  constructor(file: string, assignments: readonly Assignment[], values: SpecifierValues) {
    this.#file = file;
    this.#assignments = assignments;
    this.#values = values;
  }

  problem(at: Assignment | undefined, message: string, severity: Problem['severity'] = 'error'): void {
    this.problems.push({ file: at?.file ?? this.#file, line: at?.line ?? 1, message, severity });
  }

  /** Says that a required setting is missing, unless something was already said about it. */
  missing(section: string, key: string, allowed: string): void {
    if (this.#reported.has(`${section}.${key}`)) return;
    this.problem(undefined, `${key}=: is missing in [${section}]; allowed: ${allowed}`);
  }

  warnUnknown(): void {
    for (const assignment of this.#assignments) {
      const { section, key } = assignment;
      if (section.startsWith('X-') || key.startsWith('X-')) continue;
      const known = KNOWN_SETTINGS[section];
      if (known === undefined) {
        this.problem(assignment, `${key}=: unknown section [${section}], ignoring`, 'warning');
      } else if (!known.includes(key)) {
        this.problem(
          assignment,
          `${key}=: unknown setting in [${section}], ignoring; known: ${known.join(', ')}`,
          'warning',
        );
      }
    }
  }

  /** All assignments since the last empty one, which resets a list. */
  list(section: string, key: string): Assignment[] {
    const all = this.#assignments.filter((assignment) => assignment.section === section && assignment.key === key);
    return all.slice(all.findLastIndex((assignment) => assignment.value === '') + 1);
  }

  last(section: string, key: string): Assignment | undefined {
    return this.list(section, key).at(-1);
  }

  words(section: string, key: string): string[] {
    return this.list(section, key).flatMap((assignment) => assignment.value.split(/\s+/));
  }

  oneOf<T extends string>(section: string, key: string, allowed: readonly T[]): T | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = allowed.find((word) => word === assignment.value);
    if (value === undefined) this.#invalid(assignment, `"${assignment.value}" is unknown`, allowed.join(', '));
    return value;
  }

  boolean(section: string, key: string): boolean | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = parseBoolean(assignment.value);
    if (value === undefined) this.#invalid(assignment, `"${assignment.value}" is not a boolean`, 'yes, no');
    return value;
  }

  count(section: string, key: string): number | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    if (/^[0-9]{1,9}$/.test(assignment.value)) return Number(assignment.value);
    this.#invalid(assignment, `"${assignment.value}" is not a number`, 'a number of versions, at least 2');
    return undefined;
  }

  mode(section: string, key: string): number | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    if (/^0?[0-7]{1,4}$/.test(assignment.value)) return Number.parseInt(assignment.value, 8);
    this.#invalid(assignment, `"${assignment.value}" is not an access mode`, 'octal digits such as 0644');
    return undefined;
  }

  version(section: string, key: string): string | undefined {
    const assignment = this.last(section, key);
    return assignment && this.#version(assignment);
  }

  versions(section: string, key: string): string[] {
    return this.list(section, key).flatMap((assignment) => this.#version(assignment) ?? []);
  }

  url(section: string, key: string): string | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = expandSpecifiers(assignment.value, this.#values);
    if (/^https?:\/\/[^/]/.test(value) && URL.canParse(value)) return value.replace(/\/+$/, '');
    this.#invalid(assignment, `"${value}" is not a URL of the web`, 'https://HOST/PATH, http://HOST/PATH');
    return undefined;
  }

  /** An absolute path, or one relative to `base` where there is one. */
  path(section: string, key: string, base?: string): string | undefined {
    const assignment = this.last(section, key);
    if (!assignment) return undefined;
    const value = expandSpecifiers(assignment.value, this.#values);
    const absolute = value.startsWith('/') ? value : base === undefined ? undefined : `${base}/${value}`;
    const parts = absolute?.split('/').filter((part) => part !== '' && part !== '.');
    if (parts && !parts.includes('..') && !/[\0-\x1f]/.test(value)) return `/${parts.join('/')}`;
    const allowed = base === undefined ? 'an absolute path without ".."' : `a path without "..", relative to ${base}`;
    this.#invalid(assignment, `"${value}" is not a usable path`, allowed);
    return undefined;
  }

  patterns(section: string, key: string): Pattern[] {
    const patterns: Pattern[] = [];
    for (const assignment of this.list(section, key)) {
      for (const word of assignment.value.split(/\s+/)) {
        const text = expandSpecifiers(unescapeWord(word), this.#values);
        try {
          patterns.push(parsePattern(text));
        } catch (error) {
          if (!(error instanceof PatternError)) throw error;
          this.#invalid(
            assignment,
            `"${text}" ${error.message}`,
            'literals with @v and the wildcards of sysupdate.d(5)',
          );
        }
      }
    }
    return patterns;
  }

  #version(assignment: Assignment): string | undefined {
    const value = expandSpecifiers(assignment.value, this.#values);
    // A specifier of a field that this OS does not set, such as ProtectVersion=%A: nothing to protect.
    if (value === '') return undefined;
    if (isVersion(value)) return value;
    this.#invalid(assignment, `"${value}" is not a version`, 'letters, digits and . - ~ ^ _ +');
    return undefined;
  }

  #invalid(assignment: Assignment, what: string, allowed: string): void {
    this.#reported.add(`${assignment.section}.${assignment.key}`);
    this.problem(assignment, `${assignment.key}=: ${what}; allowed: ${allowed}`);
  }
}

/** C-style escapes, by which a pattern can hold a space (`\x20`). */
function unescapeWord(word: string): string {
  return word
    .replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\s/g, ' ');
}

/** Kind of a transfer after `[X-Extupdate]` had its say. */
export function withKind(transfer: Transfer, kind: Kind | undefined): Transfer {
  return kind === undefined ? transfer : { ...transfer, kind };
}
