/** Tables of what was measured, and how it stands against the goals. */
import { type Measurement, median } from './measure.ts';
import type { Job, Jobs, Series } from './scenarios.ts';

/** What was measured on one version of systemd. */
export interface HostReport {
  readonly systemd: number;
  /** Load of the machine at the end. */
  readonly load: number;
  readonly jobs: Jobs;
}

export interface Goal {
  readonly text: string;
  readonly found: string;
  readonly met: boolean;
}

const FASTER_FOR_MANY = 20;
/** What `select` may cost at boot, in starts of Node. */
const SELECT_MAX = 5;
const PEAK_MIB_MAX = 150;

const seconds = ({ seconds }: Measurement) => seconds;
const cpuSeconds = ({ cpuSeconds }: Measurement) => cpuSeconds;
const peakMiB = ({ peakMiB }: Measurement) => peakMiB;

/** One line per job and tool; `ratio` says how many times faster than systemd-sysupdate a tool is. */
export function renderReport({ systemd, jobs }: HostReport): string {
  const header = [`systemd ${systemd}`, '', 'runs', 'median s', 'min s', 'CPU s', 'peak MiB', 'ratio'];
  const rows = [jobs.one, jobs.many, jobs.update, jobs.select, jobs.start].flatMap(({ name, series }) =>
    series.map((one, index) => [
      index === 0 ? name : '',
      one.tool,
      String(one.runs.length),
      medianOf(one, seconds).toFixed(3),
      Math.min(...one.runs.map(seconds)).toFixed(3),
      medianOf(one, cpuSeconds).toFixed(3),
      medianOf(one, peakMiB).toFixed(1),
      index === 0 ? '' : `${speedup(series, one).toFixed(2)} x`,
    ]),
  );
  return renderTable([header, ...rows]);
}

/** The goals; where extupdate was measured in several ways, the slowest counts. */
export function judgeGoals(reports: readonly HostReport[]): Goal[] {
  const faster = (text: string, { series }: Job, atLeast: number): Goal => {
    const slowest = Math.min(...series.slice(1).map((own) => speedup(series, own)));
    return { text, found: `${slowest.toFixed(2)} x`, met: slowest >= atLeast };
  };
  const costs = (text: string, { series }: Job, atMost: number): Goal => {
    const ratio = Math.max(...series.slice(1).map((own) => 1 / speedup(series, own)));
    return { text, found: `${ratio.toFixed(2)} x`, met: ratio <= atMost };
  };
  return reports.flatMap(({ systemd, jobs: { one, many, update, select } }) => {
    const peer = `systemd-sysupdate ${systemd}`;
    const own = [many, update].flatMap(({ series }) => series.slice(1).flatMap(({ runs }) => runs.map(peakMiB)));
    const peak = Math.max(...own);
    return [
      // The goal for many is about 262 alone.
      ...(systemd === 262
        ? [faster(`${many.name}: ${FASTER_FOR_MANY} times as fast as ${peer}`, many, FASTER_FOR_MANY)]
        : []),
      faster(`${one.name}: not slower than ${peer}`, one, 1),
      faster(`${update.name}: not slower than ${peer}`, update, 1),
      costs(`${select.name}, systemd ${systemd}: at most ${SELECT_MAX} times a bare node -e 0`, select, SELECT_MAX),
      {
        text: `peak memory beside ${peer}: under ${PEAK_MIB_MAX} MiB`,
        found: `${peak.toFixed(1)} MiB`,
        met: peak < PEAK_MIB_MAX,
      },
    ];
  });
}

export function renderGoals(goals: readonly Goal[]): string {
  return renderTable(goals.map(({ text, found, met }) => [met ? 'met' : 'not met', text, found]));
}

function speedup([peer]: readonly Series[], own: Series): number {
  return peer ? medianOf(peer, seconds) / medianOf(own, seconds) : Number.NaN;
}

function medianOf({ runs }: Series, value: (run: Measurement) => number): number {
  return median(runs.map(value));
}

/** Columns of numbers are aligned to the right. */
function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const numeric = widths.map((_, column) => /^[0-9.]+( x)?$/.test(rows.at(-1)?.[column] ?? ''));
  const render = (row: readonly string[]) =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return `${rows.map(render).join('\n')}\n`;
}
