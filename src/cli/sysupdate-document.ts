/**
 * What systemd-sysupdate 262 prints with `--json`, so that what was written for it goes on working: `list`, `list
 * VERSION` and `check-new` of one component. Pure.
 */
import type { Resolution, VersionState } from '../resolve/resolver.ts';
import { sourceTraits } from '../source/source-types.ts';
import type { InstalledInstance, OfferedInstance, Transfer } from '../types.ts';
import { stateOf } from './document.ts';

/** `list`. */
export interface SysupdateList {
  readonly current: string | null;
  /** Newest first. */
  readonly all: readonly string[];
  readonly appstreamUrls: readonly string[];
}

/** `list VERSION`. */
export interface SysupdateVersion {
  readonly version: string;
  readonly newest: boolean;
  readonly available: boolean;
  readonly installed: boolean;
  readonly partial: boolean;
  readonly pending: boolean;
  readonly obsolete: boolean;
  readonly protected: boolean;
  readonly incomplete: boolean;
  readonly changelogUrls: readonly string[];
  readonly contents: readonly SysupdateContent[];
}

/** What a version has of one transfer: what is installed, else what is offered. What is not known is left out. */
export interface SysupdateContent {
  readonly type: string;
  readonly path: string;
  /** In microseconds since 1970. */
  readonly mtime?: number;
  /** As a decimal number. */
  readonly mode?: number;
  readonly size?: number;
  readonly 'tries-done'?: number;
  readonly 'tries-left'?: number;
  readonly ro?: boolean;
  readonly sha256?: string;
}

export function sysupdateList({ component, active, versions }: Resolution): SysupdateList {
  const newest = versions.find(({ installed }) => installed.size > 0)?.version;
  return {
    current: active ?? newest ?? null,
    all: versions.filter(({ available, installed }) => available || installed.size > 0).map(({ version }) => version),
    appstreamUrls: [...new Set(component.transfers.flatMap(({ appStream }) => appStream))],
  };
}

export function sysupdateVersion(
  resolution: Resolution,
  version: VersionState,
  staged: { readonly partial: boolean; readonly pending: boolean },
): SysupdateVersion {
  const { transfers } = resolution.component;
  const { installed, available, newest, obsolete, incomplete, ...flags } = stateOf(resolution, version);
  return {
    version: version.version,
    newest,
    available,
    installed,
    ...staged,
    obsolete,
    protected: flags.protected,
    incomplete,
    changelogUrls: [
      ...new Set(transfers.flatMap(({ changeLog }) => changeLog.map((url) => url.replaceAll('@v', version.version)))),
    ],
    contents: transfers.flatMap((transfer) => {
      const here = version.installed.get(transfer.id);
      const there = version.offered.get(transfer.id);
      return here ? [installedContent(transfer, here)] : there ? [offeredContent(transfer, there)] : [];
    }),
  };
}

function installedContent({ target }: Transfer, { path, fields }: InstalledInstance): SysupdateContent {
  return { type: target.type, path, ...known(fields) };
}

function offeredContent({ source }: Transfer, { location, fields, sha256 }: OfferedInstance): SysupdateContent {
  const isHashed = sourceTraits[source.type].at === 'url' || fields.sha256 !== undefined;
  return { type: source.type, path: location, ...known(fields), ...(isHashed ? { sha256 } : {}) };
}

function known(fields: InstalledInstance['fields']): Omit<SysupdateContent, 'type' | 'path'> {
  if (!fields) return {};
  const { mtime, mode, size, triesDone, triesLeft, readOnly } = fields;
  return {
    ...(mtime === undefined ? {} : { mtime: Number(mtime) }),
    ...(mode === undefined ? {} : { mode }),
    ...(size === undefined ? {} : { size }),
    ...(triesDone === undefined ? {} : { 'tries-done': triesDone }),
    ...(triesLeft === undefined ? {} : { 'tries-left': triesLeft }),
    ...(readOnly === undefined ? {} : { ro: readOnly }),
  };
}
