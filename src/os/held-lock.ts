/** Who holds a lock, told without taking it: what a run that is busy needs to know, and to load, is this much. */
import { readFileSync, statSync } from 'node:fs';
import { BusyError } from '../errors.ts';
import { readBoundedFile } from './bounded-file.ts';

/**
 * Whether the kernel's table says that somebody holds a lock on a file. It tells nothing of locks of other process id
 * namespaces, nor on file systems whose device number it does not know (btrfs, overlay): false is no answer.
 */
export function isKnownHeld(path: string): boolean {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
    const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
    const hex = (number: bigint) => number.toString(16).padStart(2, '0');
    const file = `${hex(major)}:${hex(minor)}:${ino}`;
    // "1: FLOCK  ADVISORY  WRITE 4711 00:1a:42 0 EOF"; who only waits has an arrow after the number.
    return readFileSync('/proc/locks', 'latin1')
      .split('\n')
      .some((line) => /^[0-9]+: FLOCK +ADVISORY +WRITE +[0-9]+ (\S+) /.exec(line)?.[1] === file);
  } catch {
    return false;
  }
}

/** What a run that finds a lock held ends with. */
export function busyError(path: string): BusyError {
  return new BusyError(`busy: ${holderOf(path)}`, { next: 'wait for it to end, or use --wait=SEC' });
}

/** The holder as it describes itself in the file; who may write to staging may have written that, too. */
function holderOf(path: string): string {
  try {
    const { pid, command, since } = JSON.parse(String(readBoundedFile('', path))) as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || !/^[a-z -]{1,40}$/.test(String(command))) throw new Error('not a holder');
    const at = new Date(String(since)).toISOString();
    return `"extupdate ${command}" with process id ${pid} has been at work since ${at}`;
  } catch {
    return `another run holds ${path}`;
  }
}
