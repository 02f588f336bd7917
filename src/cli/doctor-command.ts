/** `doctor`: what is wrong with a host, and what to do about it. */
import { type CheckName, checkNames, type Finding, type FindingState } from '../doctor/finding.ts';
import { programVersion } from '../program.ts';
import type { RunOptions } from '../system.ts';
import { unseenPlaces } from '../unseen.ts';
import type { Outcome } from './outcome.ts';

/** A finding in the JSON document. */
export interface CheckDocument {
  readonly check: CheckName;
  readonly state: FindingState;
  readonly text: string;
  readonly next: string | null;
  /** Of a problem, the status of a run that meets it. */
  readonly exit: number | null;
}

/**
 * Examines a host. A problem is what `doctor` is for, and no error of the document; the exit status is that of the problems
 * all the same, so that scripts can ask for it.
 * @param debug whether to print the stack of what is a defect of ours
 */
export async function doctorCommand(run: RunOptions, debug = false): Promise<Outcome> {
  const { examine } = await import('../doctor/doctor.ts');
  const findings = await examine(run, programVersion);
  if (debug) for (const { cause } of findings) if (cause !== undefined) console.error(cause);
  const unseen = unseenPlaces(run.root).map(({ path }) => path);
  const checks = findings.map(documentOf);
  const none = { components: [], errors: [], left: [], disabled: [], turnedOff: [] };
  return { ...none, checks, ...(unseen.length > 0 ? { unseen } : {}) };
}

function documentOf({ check, state, text, next, exit }: Finding): CheckDocument {
  return { check, state, text, next: next ?? null, exit: exit ?? null };
}

/** One line for each finding, and the next step below it. */
export function renderChecks({ checks = [] }: Outcome): string {
  const width = Math.max(...checkNames.map((name) => name.length));
  const lines = checks.map(({ check, state, text, next }) => {
    const line = `${state.padEnd(8)} ${check.padEnd(width)}  ${text.replaceAll('\n', '; ')}`;
    return next === null || state === 'ok' ? line : `${line}\n${' '.repeat(width + 11)}${next}`;
  });
  return [...lines, '', summary(checks)].join('\n');
}

function summary(checks: readonly CheckDocument[]): string {
  const count = (state: FindingState) => checks.filter((one) => one.state === state).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  if (problems + warnings === 0) return 'Nothing is wrong.';
  const words = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
  return `${words(problems, 'problem')}, ${words(warnings, 'warning')}.`;
}
