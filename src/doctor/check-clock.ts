/** Whether the clock can be right: signatures and certificates are judged by it. Pure. */
import { exitStatus } from '../errors.ts';
import { type Finding, findingsOf } from './finding.ts';

export interface ClockFacts {
  readonly now: Date;
  /** The newest thing that is known to have happened already, and what it is. */
  readonly latest: { readonly at: Date; readonly what: string } | undefined;
  /** Whether systemd-timedated says that it is synchronised; undefined when it does not say. */
  readonly synchronised: boolean | undefined;
}

/** Clocks that differ by less are nothing to speak of, in milliseconds. */
const TOLERANCE = 10 * 60 * 1000;

const { ok, note, problem } = findingsOf('clock');

/** A clock before the newest thing that is known to have happened is a problem: signatures would be judged by it. */
export function checkClock({ now, latest, synchronised }: ClockFacts): Finding[] {
  if (latest && latest.at.getTime() - now.getTime() > TOLERANCE) {
    const text = `it says ${iso(now)}, and ${latest.what} is of ${iso(latest.at)}`;
    return [
      problem(exitStatus.policy, text, 'set the clock: signatures and certificates are judged by it (timedatectl)'),
    ];
  }
  const told = ok(`${iso(now)}, later than all that is known`);
  return synchronised === false ? [told, note('it is not synchronised (NTP)', 'timedatectl set-ntp true')] : [told];
}

function iso(date: Date): string {
  return date.toISOString().slice(0, 19).replace('T', ' ');
}
