/** Outcomes as text for people. The same reasons stand in the JSON document. */

import type { ComponentDocument, VersionDocument } from './document.ts';
import type { Outcome } from './outcome.ts';
import { renderTurnedOff } from './render-done.ts';
import { renderTable } from './table.ts';

export interface TextOptions {
  /** Columns of the terminal; undefined for a pipe. */
  readonly width?: number | undefined;
  readonly legend: boolean;
}

/** `list`: every version. */
export function renderList(
  outcome: Outcome,
  options: TextOptions,
  only?: (version: VersionDocument) => boolean,
): string {
  const rows = outcome.components.flatMap((component) =>
    component.versions
      .filter((version) => only?.(version) ?? true)
      .map((version) => [
        component.name,
        version.version,
        version.installed ? 'yes' : version.pending ? 'staged' : '-',
        version.active ? 'yes' : '-',
        version.available ? 'yes' : '-',
        compatibility(version),
        remark(version),
      ]),
  );
  const header = ['COMPONENT', 'VERSION', 'INSTALLED', 'ACTIVE', 'AVAILABLE', 'COMPATIBLE', 'REASON'];
  return withEmpty(rows.length > 0 ? renderTable(header, rows, options) : '', outcome, 'No versions.');
}

/** `list`: the versions; of a single one, what it consists of too. */
export function renderVersions(outcome: Outcome, options: TextOptions): string {
  const list = renderList(outcome, options);
  const { listing } = outcome;
  if (!listing || !('contents' in listing)) return list;
  const rows = listing.contents.map(({ type, path, mode, size, sha256 }) => [
    type,
    path,
    mode === undefined ? '-' : mode.toString(8).padStart(4, '0'),
    size === undefined ? '-' : String(size),
    sha256 === undefined ? '-' : sha256.slice(0, 12),
  ]);
  const contents = renderTable(['TYPE', 'PATH', 'MODE', 'SIZE', 'SHA256'], rows, options);
  return [list, contents, ...listing.changelogUrls.map((url) => `ChangeLog: ${url}`)].join('\n\n');
}

/** `status`: the versions, and which of them services see that mount an image themselves. */
export function renderStatus(outcome: Outcome, options: TextOptions): string {
  const failed = new Set(outcome.errors.map(({ component }) => component));
  const missing = outcome.components
    .filter(({ name, versions }) => versions.length === 0 && !failed.has(name))
    .map(({ name }) => `${name}: nothing is installed; "extupdate apply ${name}" installs it`);
  const hasVersions = outcome.components.some(({ versions }) => versions.length > 0);
  const list = [...(hasVersions || missing.length === 0 ? [renderList(outcome, options)] : []), ...missing].join('\n');
  const rows = (outcome.services ?? []).map(({ unit, component, version, exposed }) => [
    unit,
    component,
    version ?? '?',
    exposed ?? '-',
  ]);
  if (rows.length === 0) return list;
  return `${list}\n\n${renderTable(['UNIT', 'COMPONENT', 'VERSION', 'EXPOSED'], rows, options)}`;
}

/** `check`: what `apply` would change to. */
export function renderCheck(outcome: Outcome, options: TextOptions): string {
  const rows = outcome.components.map((component) => [
    component.name,
    component.current ?? '-',
    component.candidate ?? '-',
    verdict(outcome, component),
  ]);
  const header = ['COMPONENT', 'CURRENT', 'CANDIDATE', 'REASON'];
  return withEmpty(rows.length > 0 ? renderTable(header, rows, options) : '', outcome, 'No components.');
}

/** `why`: version by version, why it was chosen or not. */
export function renderWhy(outcome: Outcome, options: TextOptions): string {
  const tables = outcome.components.map((component) => {
    const rows = component.versions.map((version) => [version.version, stateWord(version), version.reason.text]);
    const table = renderTable(['VERSION', 'STATE', 'REASON'], rows, options);
    return `${component.name}: ${summary(component)}\n${component.versions.length > 0 ? table : 'No versions.'}`;
  });
  return [...tables, ...renderTurnedOff(outcome)].join('\n\n');
}

/** `gc`: every file with the reason for which it stays or goes. */
export function renderKept(outcome: Outcome, options: TextOptions): string {
  const rows = (outcome.kept ?? []).map(({ component, path, keep, reason }) => [
    component,
    keep ? 'keep' : 'remove',
    path,
    reason,
  ]);
  return rows.length > 0 ? renderTable(['COMPONENT', 'ACTION', 'FILE', 'REASON'], rows, options) : 'Nothing installed.';
}

function compatibility({ compatible }: VersionDocument): string {
  return compatible === null ? '?' : compatible ? 'yes' : 'no';
}

/** The reason, and what else is remarkable. */
function remark(version: VersionDocument): string {
  const marks = [
    version.incomplete && version.installed ? 'incomplete' : '',
    version.protected ? 'protected' : '',
    version.partial ? 'partly downloaded' : '',
  ].filter((mark) => mark !== '');
  return [version.reason.text, ...marks].join('; ');
}

function stateWord(version: VersionDocument): string {
  if (version.active) return 'current';
  if (version.reason.code === 'chosen') return 'candidate';
  return version.installed ? 'installed' : version.available ? 'available' : 'incomplete';
}

function verdict(outcome: Outcome, component: ComponentDocument): string {
  const chosen = component.versions.find(({ version }) => version === (component.candidate ?? component.current));
  const [newest] = component.versions;
  if (outcome.errors.some(({ component: name }) => name === component.name)) return 'failed, see below';
  if (!chosen) return newest ? `${newest.version}: ${newest.reason.text}` : 'nothing is offered';
  if (newest && newest !== chosen) return `${newest.version}: ${newest.reason.text}`;
  return chosen.reason.text;
}

function summary({ current, candidate }: ComponentDocument): string {
  if (candidate !== null) return current === null ? `${candidate} would be installed` : `${current} -> ${candidate}`;
  return current === null ? 'nothing fits' : `${current} is current`;
}

function withEmpty(table: string, outcome: Outcome, empty: string): string {
  const others = [
    ...outcome.left.map(({ name, reason }) => `${name}: left to systemd-sysupdate, ${reason}`),
    ...outcome.disabled.map((name) => `${name}: disabled`),
    ...renderTurnedOff(outcome),
  ];
  const isBare = outcome.components.length + outcome.errors.length + others.length === 0;
  const nothing = isBare ? 'No components are defined; definitions stand in /etc/extupdate/transfer.d.' : empty;
  return [table || nothing, ...others].join('\n');
}
