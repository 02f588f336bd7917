/** Until when a list is good: `--best-before=`, and the entry that says so. Pure. */
import { UsageError } from '../errors.ts';
import { parseTimeSpan } from '../syntax.ts';
import { BEST_BEFORE_PREFIX } from './file-names.ts';

/**
 * The day that `--best-before=` means.
 * @param text a day (`2027-01-31`), or a time span from now on (`30d`)
 * @returns `YYYY-MM-DD`, in UTC
 * @throws UsageError for anything else, and for a day that is not to come: systemd refuses a list on that very day
 */
export function parseBestBefore(text: string, now: Date): string {
  const day = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) ? text : dayAfter(parseTimeSpan(text), now);
  if (day === undefined || !isDay(day)) {
    throw new UsageError(`--best-before=${text}: expected a day such as 2027-01-31, or a time span such as 30d`);
  }
  const today = dayOf(now);
  if (day > today) return day;
  throw new UsageError(`--best-before=${text}: ${day} is not after today, ${today} in UTC`, {
    next: 'systemd refuses a list from the beginning of that day on: name a later one',
  });
}

/** The name of the entry, and of the empty file. @param day `YYYY-MM-DD` */
export function bestBeforeName(day: string): string {
  return BEST_BEFORE_PREFIX + day;
}

function dayAfter(seconds: number | undefined, now: Date): string | undefined {
  const time = now.getTime() + (seconds ?? Number.NaN) * 1000;
  // The last day that has four digits.
  return time <= Date.UTC(9999, 11, 31) ? dayOf(new Date(time)) : undefined;
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && dayOf(new Date(time)) === text;
}
