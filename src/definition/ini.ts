/**
 * The file syntax of systemd.syntax(7): sections, `Key=value`, comments, line continuation.
 *
 * Nothing is interpreted here: every assignment is kept, in order and with its line, so that later stages can reset
 * lists by an empty value and name the place of a problem.
 */

export interface Assignment {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** The file that holds the assignment, for messages. */
  readonly file: string;
  /** Line number, from 1; of a continued assignment the first. */
  readonly line: number;
}

/** A problem in a file that a person has to mend. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  /** `Setting=: what is wrong; allowed: ...` */
  readonly message: string;
  /** A warning leaves the setting out; an error stops the component. */
  readonly severity: 'error' | 'warning';
}

export interface ParsedFile {
  readonly assignments: readonly Assignment[];
  readonly problems: readonly Problem[];
}

/** Longest logical line, in characters (systemd: LONG_LINE_MAX, 1 MiB). */
const LINE_LENGTH_MAX = 1024 * 1024;

/** Reads a file's text. Problems are collected, never thrown. */
export function parseIni(text: string, file: string): ParsedFile {
  const assignments: Assignment[] = [];
  const problems: Problem[] = [];
  const problem = (line: number, message: string) => problems.push({ file, line, message, severity: 'error' });

  let section: string | undefined;
  for (const { text: content, line } of logicalLines(text)) {
    if (content === '') continue;
    if (content.length > LINE_LENGTH_MAX) {
      problem(line, 'the line is too long; allowed: 1 MiB');
    } else if (content.includes('\0')) {
      problem(line, 'the line holds a NUL byte; allowed: text');
    } else if (content.startsWith('[')) {
      section = /^\[([^[\]]+)\]$/.exec(content)?.[1];
      if (section === undefined) problem(line, `"${content}" is not a section header; allowed: [Name]`);
    } else {
      const equals = content.indexOf('=');
      if (equals <= 0) {
        problem(line, `"${content}" is not an assignment; allowed: Setting=value`);
      } else if (section === undefined) {
        problem(line, `"${content}" stands outside of a section; allowed: a [Section] before it`);
      } else {
        const key = content.slice(0, equals).trimEnd();
        const value = content.slice(equals + 1).trim();
        assignments.push({ section, key, value, file, line });
      }
    }
  }
  return { assignments, problems };
}

/** Joins continued lines with a space and drops comments, inside continued lines too. */
function* logicalLines(text: string): Generator<{ text: string; line: number }> {
  let pending: { text: string; line: number } | undefined;
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (const [index, raw] of lines.entries()) {
    const stripped = raw.trimStart();
    if (stripped.startsWith('#') || stripped.startsWith(';')) continue;
    const joined = pending ? pending.text + raw : raw;
    const line = pending?.line ?? index + 1;
    if (endsInContinuation(raw)) {
      pending = { text: `${joined.slice(0, -1)} `, line };
      continue;
    }
    pending = undefined;
    yield { text: joined.trim(), line };
  }
  if (pending) yield { text: pending.text.trim(), line: pending.line };
}

/** An odd number of trailing backslashes continues the line; an even number is text. */
function endsInContinuation(line: string): boolean {
  const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
  return backslashes % 2 === 1;
}
