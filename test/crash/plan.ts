/** Which faults a campaign injects at the points of a situation. Nothing here is random: each run injects the same. */
import { constants } from 'node:os';
import { seeded } from '../support/make-images.ts';
import { cutFlags } from './power.ts';
import type { Injection, Point } from './trace.ts';

/** The errors of a disk (fault catalogue, K118), by name. */
export const errnos = ['EIO', 'ENOSPC', 'EDQUOT', 'EROFS', 'EPERM', 'EINTR'] as const;

/** Errors that stay once they have begun: a full, a read-only, a broken disk. */
const lasting = ['ENOSPC', 'EROFS', 'EIO'] as const;

const WRITES = ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'sendfile', 'copy_file_range'];

/**
 * Errors at a point: `count` of the errors above in turn, one of those that stay, and a write that takes less.
 * @param count how many; all of them are 6
 */
export function errorsAt({ at, call, program }: Point, count: number): Injection[] {
  const numbers = constants.errno as Readonly<Record<string, number>>;
  const names = Array.from(
    { length: count },
    (_, index) => errnos[(at + Math.floor(at / errnos.length) + index) % errnos.length] ?? 'EIO',
  );
  return [
    ...names.map((name) => ({ at, fault: `error=${numbers[name]}` })),
    { at, fault: `errors=${numbers[lasting[(at + Math.floor(at / lasting.length)) % lasting.length] ?? 'EIO']}` },
    ...(WRITES.includes(call) ? [{ at, fault: 'short' }] : []),
    // A program that was started is killed, and we go on.
    ...(program === 'node' || program === 'MainThread' || program.startsWith('libuv')
      ? []
      : [{ at, fault: 'kill-one' }]),
  ];
}

/**
 * Power cuts: at every point without the journal flushed, and at every second one in one of three other ways in turn:
 * with the journal flushed, where the kernel has written out by itself at an earlier point, and at a moment in between.
 * @param usec how long a run takes, in microseconds
 */
export function cutsOf(points: readonly Point[], usec: number): Injection[] {
  const next = seeded(points.length);
  const unflushed = `cut=${cutFlags.unflushed}`;
  return points.flatMap(({ at }, index) => {
    const others: readonly Injection[] = [
      { at, fault: `cut=${cutFlags.flushed}` },
      { at, fault: unflushed, syncAt: 1 + (next() % at) },
      { fault: unflushed, cutAfterUsec: 1 + (next() % usec) },
    ];
    const other = index % 2 === 0 ? others[(index / 2) % others.length] : undefined;
    return [{ at, fault: unflushed }, ...(other ? [other] : [])];
  });
}

/** What a fault is called in figures. */
export function faultName({ fault = '' }: Injection): string {
  const [kind = '', value] = fault.split('=');
  if (kind !== 'error' && kind !== 'errors') return kind;
  const [name = `${value}`] = Object.entries(constants.errno).find(([, number]) => number === Number(value)) ?? [];
  return kind === 'error' ? name : `${name} for good`;
}
