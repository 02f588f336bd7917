/** Features and components as text for people. */
import type { Switch } from '../enablement.ts';
import type { ComponentListing, FeatureListing } from './feature-commands.ts';
import type { TextOptions } from './render.ts';
import { renderTable } from './table.ts';

/** `features`: a row for each. */
export function renderFeatures({ features }: FeatureListing, options: TextOptions): string {
  const rows = features.map(({ component, id, enabled, suggested, description, documentation }) => [
    component,
    id,
    yesNo(enabled),
    yesNo(suggested),
    description ?? '-',
    documentation?.join(' ') ?? '-',
  ]);
  const header = ['COMPONENT', 'FEATURE', 'ENABLED', 'SUGGESTED', 'DESCRIPTION', 'DOCUMENTATION'];
  return rows.length > 0 ? renderTable(header, rows, options) : 'No features.';
}

/** `features -C COMPONENT FEATURE`: all of one. */
export function renderFeature({ features }: FeatureListing): string {
  return features
    .flatMap(({ component, id, enabled, suggested, description, documentation, appStream, transfers }) => [
      line('Name', id),
      line('Component', component),
      line('Enabled', yesNo(enabled)),
      line('Suggested', suggested === undefined ? 'error (malformed, or cannot be told here)' : yesNo(suggested)),
      ...(description === undefined ? [] : [line('Description', description)]),
      ...(documentation ?? []).map((url) => line('Documentation', url)),
      ...(appStream === undefined ? [] : [line('AppStream', appStream)]),
      ...(transfers ?? []).map((transfer) => line('Transfer', transfer)),
    ])
    .join('\n');
}

/** `components`: a row for each. */
export function renderComponents({ hasDefault, components }: ComponentListing, options: TextOptions): string {
  const rows = components.map(({ name, enabled, suggested, description, documentation }) => [
    name,
    yesNo(enabled),
    yesNo(suggested),
    description ?? '-',
    documentation.join(' ') || '-',
  ]);
  // It has no file that says more of it.
  const all = hasDefault ? [['default', 'yes', '-', '-', '-'], ...rows] : rows;
  const header = ['COMPONENT', 'ENABLED', 'SUGGESTED', 'DESCRIPTION', 'DOCUMENTATION'];
  return all.length > 0 ? renderTable(header, all, options) : 'No components.';
}

/** `enable` and `disable`: what was switched, and that this is all for now. */
export function renderSwitched(switched: readonly Switch[], dryRun: boolean): string {
  const [first] = switched;
  if (!first) return 'Nothing to do.';
  const lines = switched.map(({ component, feature, enabled, file }) => {
    const what = feature === null ? component : `${component}: feature ${feature}`;
    const word = enabled ? 'enabled' : 'disabled';
    return dryRun ? `${what}: would be ${word}, by ${file}` : `${what}: ${word}`;
  });
  return lines.join('\n');
}

/** What has not happened yet. */
export function renderNotYet(switched: readonly Switch[]): string {
  if (switched.length === 0) return '';
  const names = [...new Set(switched.map(({ component }) => component))].join(' ');
  const isKept = switched.every(({ feature, enabled }) => feature === null && !enabled);
  return isKept
    ? 'What is installed stays as it is, and is not updated any more.'
    : `Nothing is downloaded or removed yet: the next run does it, or "extupdate apply ${names}" now.`;
}

function yesNo(value: boolean | undefined): string {
  return value === undefined ? '-' : value ? 'yes' : 'no';
}

function line(label: string, text: string): string {
  return `${`${label}:`.padEnd(15)}${text}`;
}
