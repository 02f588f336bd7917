/** `[Transfer]`, `[Source]` and `[Target]` of sysupdate.d(5): assignments in, a {@link Transfer} or problems out. */

import { sourceTraits } from '../source/source-types.ts';
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
import type { Assignment, Problem } from './ini.ts';
import { kindOfTarget } from './kind.ts';
import { SettingReader } from './setting-reader.ts';
import type { SpecifierValues } from './specifiers.ts';

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

/** `PathRelativeTo=`; only `root` is for targets of ours, and `explicit` for sources. */
const targetAnchors = ['root', 'esp', 'xbootldr', 'boot'] as const;
const sourceAnchors = [...targetAnchors, 'explicit'] as const;

/** The settings by section, those among them that only systemd-sysupdate acts on; for messages, documentation and tests. */
export const transferSettingNames: Readonly<Record<string, readonly string[]>> = {
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
  reader.warnUnknown(transferSettingNames);

  const minVersion = reader.version('Transfer', 'MinVersion');
  const protectVersions = reader.versions('Transfer', 'ProtectVersion');
  const verify = reader.boolean('Transfer', 'Verify') ?? true;
  const changeLog = reader.links('Transfer', 'ChangeLog');
  const appStream = reader.links('Transfer', 'AppStream');
  const features = reader.words('Transfer', 'Features');
  const requisiteFeatures = reader.words('Transfer', 'RequisiteFeatures');
  const source = readSource(reader);
  // Read even when the source is broken, so that all problems are told at once.
  const target = readTarget(reader, source);
  if (source && target && !sourceTraits[source.type].targets.includes(target.type)) {
    const allowed = sourceTraits[source.type].targets.join(', ');
    const message = `Type=: a ${source.type} source cannot fill a ${target.type} target; allowed: ${allowed}`;
    reader.problem(reader.last('Target', 'Type') ?? reader.last('Source', 'Type'), message);
  }

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
    changeLog,
    appStream,
    source,
    target,
    rivals: [],
    ...(minVersion === undefined ? {} : { minVersion }),
  };
  return { ...common, transfer };
}

function readSource(reader: SettingReader): TransferSource | undefined {
  const type = reader.oneOf<SourceType>('Source', 'Type', sourceTypes);
  const given = reader.last('Source', 'Path')?.value;
  const isUrl = type ? sourceTraits[type].at === 'url' : given?.includes('://');
  const path = isUrl ? reader.url('Source', 'Path') : reader.path('Source', 'Path');
  const patterns = reader.patterns('Source', 'MatchPattern');
  if (type === undefined) reader.missing('Source', 'Type', sourceTypes.join(', '));
  if (path === undefined) reader.missing('Source', 'Path', 'where the versions are');
  if (patterns.length === 0) reader.missing('Source', 'MatchPattern', 'a pattern with @v, such as NAME_@v.raw');
  if (type === undefined || path === undefined || patterns.length === 0) return undefined;
  if (sourceTraits[type].form === 'tree' && patterns.some((pattern) => pattern.anyDirectory)) {
    const message = `MatchPattern=: "**/" is not for sources of the type ${type}; allowed: a name, or directories by name`;
    reader.problem(reader.last('Source', 'MatchPattern'), message);
  }
  const relativeTo = reader.oneOf('Source', 'PathRelativeTo', sourceAnchors);
  return { type, path, explicit: relativeTo === 'explicit', patterns };
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
  // A mistake must not pass for a target that is somebody else's.
  reader.oneOf('Target', 'PathRelativeTo', targetAnchors);
  const instancesMax = reader.count('Target', 'InstancesMax') ?? INSTANCES_MAX_DEFAULT;
  const currentSymlink = reader.path('Target', 'CurrentSymlink', path);
  const mode = reader.mode('Target', 'Mode');
  const readOnly = reader.boolean('Target', 'ReadOnly');
  const triesLeft = reader.count('Target', 'TriesLeft');
  const triesDone = reader.count('Target', 'TriesDone');
  if (path === undefined) return undefined;
  return {
    type,
    path,
    patterns,
    instancesMax: Math.max(instancesMax, INSTANCES_MAX_LEAST),
    ...(currentSymlink === undefined ? {} : { currentSymlink }),
    ...(mode === undefined ? {} : { mode }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(triesLeft === undefined ? {} : { triesLeft }),
    ...(triesDone === undefined ? {} : { triesDone }),
  };
}

/** sysupdate.d(5), `Type=` of `[Target]`. */
function defaultTargetType(source: SourceType, path: string | undefined): TargetType {
  if (sourceTraits[source].form === 'file') {
    return path === 'auto' || path?.startsWith('/dev/') ? 'partition' : 'regular-file';
  }
  return source === 'subvolume' ? 'subvolume' : 'directory';
}

function reasonToLeave(reader: SettingReader, source: TransferSource, target: TransferTarget): string | undefined {
  if (target.type === 'partition') return 'its target is a partition';
  const relativeTo = reader.last('Target', 'PathRelativeTo')?.value ?? 'root';
  if (relativeTo !== 'root') return `its target is relative to the ${relativeTo} partition`;
  // Flatcar ships one so that systemd's service finds a definition.
  if (source.path === target.path) return 'it is a placeholder: its source is its own target';
  const from = reader.last('Source', 'PathRelativeTo')?.value ?? 'root';
  if (from !== 'root' && !source.explicit) return `its source is relative to the ${from} partition`;
  return undefined;
}

/** Kind of a transfer after `[X-Extupdate]` had its say. */
export function withKind(transfer: Transfer, kind: Kind | undefined): Transfer {
  return kind === undefined ? transfer : { ...transfer, kind };
}
