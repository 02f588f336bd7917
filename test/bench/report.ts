/** Tables of what was measured, and how it stands against the goals. */
import { type Measurement, median } from './measure.ts';
import type { Job, Series } from './scenarios.ts';

/** What was measured on one version of systemd. */
export interface HostReport {
  readonly systemd: number;
  readonly jobs: readonly Job[];
}

export interface Goal {
  readonly text: string;
  readonly found: string;
  readonly met: boolean;
}

const FASTER_FOR_MANY = 20;
const PEAK_MIB_MAX = 150;

const seconds = ({ seconds }: Measurement) => seconds;
const cpuSeconds = ({ cpuSeconds }: Measurement) => cpuSeconds;
const peakMiB = ({ peakMiB }: Measurement) => peakMiB;

/** One line per job and tool; `ratio` says how many times faster than systemd-sysupdate a tool is. */
export function renderReport({ systemd, jobs }: HostReport): string {
  const header = [`systemd ${systemd}`, '', 'runs', 'median s', 'min s', 'CPU s', 'peak MiB', 'ratio'];
  const rows = jobs.flatMap(({ name, series }) =>
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

/** The goals, each judged by the worst of the runs that it is about. */
export function judgeGoals(reports: readonly HostReport[]): Goal[] {
  const [one, many, update] = [0, 1, 2].map((index) =>
    reports.flatMap(({ systemd, jobs }) => {
      const series = jobs[index]?.series ?? [];
      return series.slice(1).map((own) => ({ systemd, own, speedup: speedup(series, own) }));
    }),
  );
  const slowest = (cases: typeof one = []) => Math.min(...cases.map((found) => found.speedup));
  const goal = (text: string, found: number, limit: number): Goal => ({
    text,
    found: `${found.toFixed(2)} x`,
    met: found >= limit,
  });
  const peak = Math.max(...[many, update].flatMap((cases = []) => cases.flatMap(({ own }) => own.runs.map(peakMiB))));
  return [
    ...(reports.some(({ systemd }) => systemd === 262)
      ? [
          goal(
            `check of 50 components: ${FASTER_FOR_MANY} times as fast as systemd-sysupdate 262`,
            slowest(many?.filter(({ systemd }) => systemd === 262)),
            FASTER_FOR_MANY,
          ),
        ]
      : []),
    goal('check of 1 component: not slower', slowest(one), 1),
    goal('update of 200 MiB: not slower', slowest(update), 1),
    { text: `peak memory: under ${PEAK_MIB_MAX} MiB`, found: `${peak.toFixed(1)} MiB`, met: peak < PEAK_MIB_MAX },
  ];
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
