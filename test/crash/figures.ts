/** Counts what was injected and what came of it. */
import type { Outcome } from './campaign.ts';
import { faultName } from './plan.ts';
import type { Point } from './trace.ts';

/** The fields of `npm run test:crash -- --json`. */
export interface Figures {
  points: number;
  /** By system call. */
  readonly calls: Record<string, number>;
  /** Trees at a point from which the program went on, and processes that were really killed there. */
  killed: number;
  reallyKilled: number;
  /** Trees in which all that was not synced is lost. */
  lost: number;
  /** Injected errors, by name. */
  readonly errors: Record<string, number>;
  /** Power cuts, with the journal flushed or not, and those at a moment between two points. */
  readonly cuts: Record<string, number>;
  /** How the runs with an error ended. */
  readonly statuses: Record<string, number>;
  /** Different trees that faults left: from each one the program went on. */
  states: number;
  readonly violations: string[];
}

export function noFigures(): Figures {
  const none = () => ({}) as Record<string, number>;
  return {
    points: 0,
    calls: none(),
    killed: 0,
    reallyKilled: 0,
    lost: 0,
    errors: none(),
    cuts: none(),
    statuses: none(),
    states: 0,
    violations: [],
  };
}

export function countPoints(figures: Figures, points: readonly Point[]): void {
  figures.points += points.length;
  for (const { call } of points) count(figures.calls, call);
}

/** @param planned the point that was meant; another one there means that the run was not the same as the first one */
export function countOutcome(figures: Figures, name: string, outcome: Outcome, planned: Point | undefined): void {
  const { injection, point, status, violations } = outcome;
  const fault = faultName(injection);
  if (fault === 'kill') figures.killed++;
  else if (fault === 'loss') figures.lost++;
  else if (fault === 'cut') count(figures.cuts, cutName(injection));
  else {
    count(figures.errors, fault);
    count(figures.statuses, String(status));
  }
  const at = planned ? `point ${planned.at} (${planned.program}: ${planned.call} ${planned.what})` : 'a moment';
  for (const violation of violations) figures.violations.push(`${name}: ${fault} at ${at}: ${violation}`);
  // On another file system, directories are gone through in another order.
  const isOther =
    fault === 'cut' ? point === undefined : point?.call !== planned?.call || point?.what !== planned?.what;
  if (planned && isOther) {
    figures.violations.push(`${name}: ${fault} at ${at}: came upon ${point?.call ?? 'nothing'} ${point?.what ?? ''}`);
  }
}

function cutName({ fault, cutAfterUsec, syncAt }: Outcome['injection']): string {
  if (cutAfterUsec !== undefined) return 'between two points';
  if (syncAt !== undefined) return 'not flushed, written out before';
  return fault === 'cut=1' ? 'flushed' : 'not flushed';
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

export function renderFigures(figures: Figures, seconds: number): string {
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, one) => all + one, 0);
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, number]) => `${name} ${number}`)
      .join(', ');
  return [
    `points enumerated  ${figures.points}: ${list(figures.calls)}`,
    `killed at          ${figures.killed}, and ${figures.reallyKilled} more processes by SIGKILL`,
    `lost what was not synced at ${figures.lost}`,
    `injected errors    ${sum(figures.errors)}: ${list(figures.errors)}`,
    `  exit statuses    ${list(figures.statuses)}`,
    `power cuts         ${sum(figures.cuts)}: ${list(figures.cuts)}`,
    `gone on from       ${figures.states} different trees`,
    `violations         ${figures.violations.length}`,
    `duration           ${Math.round(seconds)} s`,
  ].join('\n');
}
