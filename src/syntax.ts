/** Values of systemd.syntax(7) and systemd.time(7) as settings use them. Each parser returns undefined for anything else. */

const TRUE_WORDS = new Set(['1', 'yes', 'y', 'true', 't', 'on']);
const FALSE_WORDS = new Set(['0', 'no', 'n', 'false', 'f', 'off']);

/** A boolean word. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : undefined;
}

const SIZE_UNITS = ['B', 'K', 'M', 'G', 'T', 'P'];

/** A size such as `512M`, to the base of 1024; in bytes. `infinity` is Infinity. */
export function parseSize(text: string): number | undefined {
  if (text.toLowerCase() === 'infinity') return Number.POSITIVE_INFINITY;
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*([BKMGTP]?)(?:i?B)?$/i.exec(text.trim());
  if (!match) return undefined;
  const unit = match[2] ? SIZE_UNITS.indexOf(match[2].toUpperCase()) : 0;
  const bytes = Number(match[1]) * 1024 ** unit;
  return Number.isSafeInteger(Math.round(bytes)) ? Math.round(bytes) : undefined;
}

/** Seconds by unit; a number without one is of seconds. */
const TIME_UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    '': 1,
    ms: 0.001,
    msec: 0.001,
    s: 1,
    sec: 1,
    second: 1,
    seconds: 1,
    m: 60,
    min: 60,
    minute: 60,
    minutes: 60,
    h: 3600,
    hr: 3600,
    hour: 3600,
    hours: 3600,
    d: 86_400,
    day: 86_400,
    days: 86_400,
    w: 604_800,
    week: 604_800,
    weeks: 604_800,
  }),
);

/** A time span such as `1h 30min`, or a plain number of seconds; in seconds. `infinity` is Infinity. */
export function parseTimeSpan(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed.toLowerCase() === 'infinity') return Number.POSITIVE_INFINITY;
  if (trimmed === '') return undefined;
  let seconds = 0;
  // Sticky, so that each part begins where the one before ends; one expression for the whole would try all divisions.
  const part = /([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*/y;
  while (part.lastIndex < trimmed.length) {
    const [, amount, unit = ''] = part.exec(trimmed) ?? [];
    const factor = TIME_UNITS.get(unit);
    if (amount === undefined || factor === undefined) return undefined;
    seconds += Number(amount) * factor;
  }
  return seconds;
}
