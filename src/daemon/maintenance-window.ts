/**
 * Maintenance windows: spans of local time, on some or all days of the week, in which installing is allowed. They follow
 * the wall clock: where it jumps (DST), a window is longer or shorter by as much, or does not open at all that day.
 */

export interface MaintenanceWindow {
  /** The days on which it opens, ascending; 0 is Sunday, as in Date. */
  readonly days: readonly number[];
  /** Minutes after midnight. */
  readonly opens: number;
  /** Minutes after the same midnight; more than a day's when it closes on the next day. */
  readonly closes: number;
}

const MINUTES_OF_DAY = 24 * 60;
/** In the order of systemd.time(7), in which a range has to ascend. */
const DAY_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** Days that are searched for the next opening: a weekly window that DST swallows opens a week later. */
const SEARCH_DAYS = 22;

/** Reads `[DAYS] HH:MM-HH:MM`. @returns undefined for anything else */
export function parseMaintenanceWindow(text: string): MaintenanceWindow | undefined {
  const match = /^(?:(\S+)\s+)?([0-9]{1,2}:[0-9]{2})-([0-9]{1,2}:[0-9]{2})$/.exec(text.trim());
  if (!match) return undefined;
  const [, dayText, from = '', to = ''] = match;
  const days = dayText === undefined ? [0, 1, 2, 3, 4, 5, 6] : parseDays(dayText);
  const opens = minutesOf(from);
  const end = minutesOf(to);
  // Equal times could mean a whole day or nothing; a whole day is 00:00-24:00.
  if (!days || opens === undefined || end === undefined || opens === MINUTES_OF_DAY || opens === end) return undefined;
  return { days, opens, closes: end > opens ? end : end + MINUTES_OF_DAY };
}

/** Whether installing is allowed at this time; always when there are no windows. */
export function isOpen(windows: readonly MaintenanceWindow[], date: Date): boolean {
  if (windows.length === 0) return true;
  const time = date.getTime();
  // What opened yesterday may still be open.
  return [-1, 0].some((offset) => spansOf(windows, date, offset).some(({ from, to }) => from <= time && time < to));
}

/** The first time from `date` on at which a window is open: `date` itself, or the next opening. */
export function nextOpening(windows: readonly MaintenanceWindow[], date: Date): Date | undefined {
  if (isOpen(windows, date)) return date;
  for (let offset = 0; offset <= SEARCH_DAYS; offset += 1) {
    const later = spansOf(windows, date, offset).filter(({ from }) => from > date.getTime());
    if (later.length > 0) return new Date(Math.min(...later.map(({ from }) => from)));
  }
  return undefined;
}

/** When the windows that open on a day are open, in milliseconds; `offset` counts days from that of `date`. */
function spansOf(windows: readonly MaintenanceWindow[], date: Date, offset: number) {
  const at = (minutes: number) =>
    new Date(date.getFullYear(), date.getMonth(), date.getDate() + offset, 0, minutes).getTime();
  const day = new Date(date.getFullYear(), date.getMonth(), date.getDate() + offset).getDay();
  return (
    windows
      .filter(({ days }) => days.includes(day))
      .map(({ opens, closes }) => ({ from: at(opens), to: at(closes) }))
      // DST can leave nothing of it.
      .filter(({ from, to }) => from < to)
  );
}

/** `Sat,Sun` or `Mon..Fri`, in English, short or long. */
function parseDays(text: string): number[] | undefined {
  const days = new Set<number>();
  for (const item of text.split(',')) {
    const [first, last, ...more] = item.split('..').map(indexOfDay);
    const end = item.includes('..') ? last : first;
    if (first === undefined || end === undefined || more.length > 0 || end < first) return undefined;
    for (let index = first; index <= end; index += 1) days.add((index + 1) % 7);
  }
  return [...days].sort();
}

function indexOfDay(text: string): number | undefined {
  const word = text.toLowerCase();
  const index = DAY_NAMES.findIndex((name) => word === name || word === name.slice(0, 3));
  return index < 0 ? undefined : index;
}

function minutesOf(text: string): number | undefined {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  const total = hours * 60 + minutes;
  return minutes < 60 && total <= MINUTES_OF_DAY ? total : undefined;
}
