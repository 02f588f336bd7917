/** The JSON documents of design: stable names, camelCase, one document per run. */
import type { ErrorReport } from '../errors.ts';
import type { Reason, Resolution, VersionState } from '../resolve/resolver.ts';
import type { DoneAction } from '../work.ts';

/** Version of the document format. */
export const DOCUMENT_FORMAT = 1;

export interface VersionDocument {
  readonly version: string;
  readonly installed: boolean;
  readonly active: boolean;
  readonly available: boolean;
  readonly compatible: boolean | null;
  readonly newest: boolean;
  readonly obsolete: boolean;
  readonly protected: boolean;
  readonly incomplete: boolean;
  readonly partial: boolean;
  readonly pending: boolean;
  readonly held: boolean;
  readonly bad: boolean;
  readonly reason: Reason;
}

export interface ComponentDocument {
  readonly name: string;
  readonly current: string | null;
  readonly candidate: string | null;
  readonly versions: readonly VersionDocument[];
}

export interface ErrorDocument {
  readonly component: string | null;
  readonly code: string;
  readonly exit: number;
  readonly message: string;
  readonly next: string | null;
}

export interface Document {
  readonly format: typeof DOCUMENT_FORMAT;
  readonly components: readonly ComponentDocument[];
  readonly errors: readonly ErrorDocument[];
  readonly done?: readonly DoneAction[];
  /** For `status`. */
  readonly services?: readonly ServiceDocument[];
}

/** A running service that has an image of a component mounted as an extension of its own. */
export interface ServiceDocument {
  readonly unit: string;
  readonly component: string;
  /** What it really sees; null when that could not be found out. */
  readonly version: string | null;
  /** What it would see if it were started now; null when there is nothing. */
  readonly exposed: string | null;
}

/** What one operating system gets: a component without a version has none that fits. */
export interface OsDocument {
  readonly name: string;
  readonly description: string;
  readonly running: boolean;
  /** How it is known: running, snapper, ostree, uki, slot, history, prepared, asked. */
  readonly origin: string;
  readonly where: string;
  readonly components: readonly {
    readonly component: string;
    readonly version: string | null;
    readonly reason: { readonly code: string; readonly text: string };
  }[];
}

/** The version that a run would change to; undefined when the chosen one is what systemd sees already. */
export function candidateOf(resolution: Resolution): VersionState | undefined {
  const { chosen } = resolution;
  return chosen && !(chosen.active && chosen.complete) ? chosen : undefined;
}

/**
 * A component for the document.
 * @param staged what of a version is in staging
 */
export function componentDocument(
  resolution: Resolution,
  staged: (version: VersionState) => { partial: boolean; pending: boolean },
): ComponentDocument {
  return {
    name: resolution.component.name,
    current: resolution.active ?? null,
    candidate: candidateOf(resolution)?.version ?? null,
    versions: resolution.versions.map((state) => ({
      version: state.version,
      ...stateOf(resolution, state),
      ...staged(state),
      held: state.held,
      bad: state.bad,
      reason: state.reason,
    })),
  };
}

/** The words that sysupdate has for the state of a version, and whether it is active and fits. */
export function stateOf(
  { versions }: Resolution,
  { version, installed, complete, available, active, compatible, obsolete, protected: isProtected }: VersionState,
) {
  const newest = versions.find((one) => one.available || one.complete)?.version;
  return {
    installed: installed.size > 0,
    active,
    available,
    compatible,
    newest: version === newest,
    obsolete,
    protected: isProtected,
    incomplete: installed.size > 0 ? !complete : !available,
  };
}

export function errorDocument(component: string | null, report: ErrorReport): ErrorDocument {
  return { component, ...report, next: report.next ?? null };
}
