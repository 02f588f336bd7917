/** What `doctor` says: one line for each thing that was looked at, and what to do about it. */
import type { ExitStatus } from '../errors.ts';

/** From "all is well" to "this does not work". */
export const states = ['ok', 'note', 'warning', 'problem'] as const;
export type FindingState = (typeof states)[number];

/** What is looked at, in the order in which it is told. */
export const checkNames = [
  'host',
  'configuration',
  'definitions',
  'keys',
  'systemd',
  'programs',
  'storage',
  'file systems',
  'units',
  'systemd-sysupdate',
  'clock',
  'selinux',
  'extensions',
  'components',
] as const;
export type CheckName = (typeof checkNames)[number];

export interface Finding {
  readonly check: CheckName;
  readonly state: FindingState;
  readonly text: string;
  /** The next step for whoever reads it. */
  readonly next?: string;
  /** Of a problem: the status with which a run ends that meets it. */
  readonly exit?: ExitStatus;
  /** What was thrown, where it is a defect of ours that a check cannot be made: for `--debug`. */
  readonly cause?: unknown;
}

/** Makes the findings of one check. */
export function findingsOf(check: CheckName) {
  const make = (state: FindingState) => (text: string, next?: string) => ({
    ...{ check, state, text },
    ...(next === undefined ? {} : { next }),
  });
  return {
    ok: make('ok'),
    note: make('note'),
    warning: make('warning'),
    problem: (exit: ExitStatus, text: string, next?: string): Finding => ({ ...make('problem')(text, next), exit }),
  } as const;
}

/** Names in a sentence: the first ones, and how many more. */
export function listed(names: readonly string[], max = 5): string {
  return names.slice(0, max).join(', ') + (names.length > max ? ` and ${names.length - max} more` : '');
}
