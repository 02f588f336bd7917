/**
 * Messages for people, on standard error. Where that is the journal, they get a priority, and, where the unit has passed
 * its socket, fields that programs can search for.
 */
import { fstatSync, writeSync } from 'node:fs';
import type { ErrorReport } from '../errors.ts';
import { passedSocket } from '../os/passed-sockets.ts';
import { printable } from '../printable.ts';
import { type About, encodeEntry, type Level, prefixLines } from './journal-entry.ts';
import { showsStyles, styleError } from './style.ts';

/** Tells a message. @param shown as it is written where there is no journal, when that differs */
export function tell(level: Level, message: string, about: About = {}, shown?: string): void {
  const text = printable(message);
  if (!isJournal(2)) process.stderr.write(`${shown ?? text}\n`);
  else if (!writeEntry(encodeEntry(level, text, about))) process.stderr.write(prefixLines(level, text));
}

/** Tells a failure, and the next step. */
export function tellError({ code, exit, message, next }: ErrorReport, about: About = {}): void {
  const step = next === undefined ? '' : `\n  ${next}`;
  const title = printable(`extupdate: ${message}`);
  const shown = showsStyles(process.stderr, process.env) ? styleError(title) : title;
  tell('error', `${message}${step}`, { ...about, code, exit }, `${shown}${printable(step)}`);
}

/** Whether what is written to a descriptor is read by the journal, see `$JOURNAL_STREAM` in systemd.exec(5). */
export function isJournal(fd: 1 | 2): boolean {
  const stream = process.env.JOURNAL_STREAM;
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

function writeEntry(entry: Buffer): boolean {
  const socket = passedSocket('journal');
  if (socket === undefined) return false;
  try {
    writeSync(socket, entry);
    return true;
  } catch {
    // It is full, or has gone; lines still find their way.
    return false;
  }
}
