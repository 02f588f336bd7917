/** What operating systems get, and the history, as text for people. */
import type { Outcome } from './outcome.ts';
import type { TextOptions } from './render.ts';
import { renderTable } from './table.ts';

/** `status --os` and `prepare`: a row for every OS and component. */
export function renderOses(outcome: Outcome, options: TextOptions): string {
  const rows = (outcome.oses ?? []).flatMap(({ description, running, origin, components }) =>
    components.map(({ component, version, reason }) => [
      `${description}${running ? ' (running)' : ''}`,
      running ? '-' : origin,
      component,
      version ?? 'missing',
      reason.text,
    ]),
  );
  if (rows.length > 0) return renderTable(['OS', 'KNOWN BY', 'COMPONENT', 'VERSION', 'REASON'], rows, options);
  return (outcome.oses ?? []).length > 0 ? 'No components.' : 'No other operating system can be booted.';
}

/** `history`: a row for every change, oldest first. */
export function renderHistory(outcome: Outcome, options: TextOptions): string {
  const rows = (outcome.history ?? []).flatMap(({ at, command, os, done, errors }) => {
    const time = at.slice(0, 19).replace('T', ' ');
    const changes = done.map(({ component, action, version, from }) => {
      const what = from && from !== version ? `${version} (was ${from})` : version;
      return [time, command, os, component, `${action} ${what}`];
    });
    const failures = errors.map(({ component, message }) => [
      time,
      command,
      os,
      component ?? '-',
      `failed: ${message}`,
    ]);
    return [...changes, ...failures];
  });
  return rows.length > 0
    ? renderTable(['TIME (UTC)', 'COMMAND', 'OS', 'COMPONENT', 'CHANGE'], rows, options)
    : 'Nothing was done yet.';
}
