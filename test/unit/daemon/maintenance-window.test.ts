import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  isOpen,
  type MaintenanceWindow,
  nextOpening,
  parseMaintenanceWindow,
} from '../../../src/daemon/maintenance-window.ts';

const everyDay = [0, 1, 2, 3, 4, 5, 6];

/** 21 November 2026 is a Saturday. */
const windows = (...texts: string[]) =>
  texts.map((text) => parseMaintenanceWindow(text)).filter((window) => window !== undefined);

const zone = process.env.TZ;
const inZone = (name: string) => {
  beforeAll(() => {
    process.env.TZ = name;
  });
  afterAll(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
};

describe('parseMaintenanceWindow', () => {
  it.each([
    ['02:00-04:00', { days: everyDay, opens: 120, closes: 240 }],
    ['2:00-4:30', { days: everyDay, opens: 120, closes: 270 }],
    ['22:00-04:00', { days: everyDay, opens: 1320, closes: 1680 }],
    ['22:00-00:00', { days: everyDay, opens: 1320, closes: 1440 }],
    ['Sun 00:00-24:00', { days: [0], opens: 0, closes: 1440 }],
    ['Sat,Sun 02:00-04:00', { days: [0, 6], opens: 120, closes: 240 }],
    ['Mon..Fri 02:00-04:00', { days: [1, 2, 3, 4, 5], opens: 120, closes: 240 }],
    ['Fri..Sun 02:00-04:00', { days: [0, 5, 6], opens: 120, closes: 240 }],
    ['monday,WED..friday,Wed   02:00-04:00', { days: [1, 3, 4, 5], opens: 120, closes: 240 }],
  ])('%s', (text, window) => {
    expect(parseMaintenanceWindow(text)).toEqual(window);
  });

  it.each([
    '',
    'Sat',
    'Sat,Sun',
    '02:00',
    '02:00-',
    '2-4',
    '02:00-04:60',
    '24:00-02:00',
    '02:00-24:01',
    '25:00-26:00',
    '02:00-02:00',
    '02:00 - 04:00',
    '02:00-04:00 Sat',
    'Sa 02:00-04:00',
    'Samstag 02:00-04:00',
    'Sat, 02:00-04:00',
    'Sat..Mon 02:00-04:00',
    'Mon..Wed..Fri 02:00-04:00',
    'Mon.. 02:00-04:00',
    'Sat, Sun 02:00-04:00',
    'Sat 02:00-04:00,05:00-06:00',
  ])('"%s" is none', (text) => {
    expect(parseMaintenanceWindow(text)).toBeUndefined();
  });
});

describe('isOpen', () => {
  it.each([
    [[], '2026-11-21T12:00', true],
    [['02:00-04:00'], '2026-11-21T01:59:59.999', false],
    [['02:00-04:00'], '2026-11-21T02:00', true],
    [['02:00-04:00'], '2026-11-21T03:59:59.999', true],
    [['02:00-04:00'], '2026-11-21T04:00', false],
    [['Sat 22:00-04:00'], '2026-11-21T23:00', true],
    [['Sat 22:00-04:00'], '2026-11-22T03:59', true],
    [['Sat 22:00-04:00'], '2026-11-21T03:00', false],
    [['Sat 22:00-04:00'], '2026-11-22T22:00', false],
    [['Sun 22:00-04:00'], '2026-11-23T00:00', true],
    [['Sun 00:00-24:00'], '2026-11-22T23:59:59.999', true],
    [['Sun 00:00-24:00'], '2026-11-23T00:00', false],
    [['Fri 22:00-23:00', 'Sat 05:00-06:00'], '2026-11-21T05:30', true],
    [['Thu 22:00-02:00'], '2026-12-31T23:59', true],
    [['Thu 22:00-02:00'], '2027-01-01T01:59', true],
  ])('%j at %s: %s', (texts, time, open) => {
    expect(isOpen(windows(...texts), new Date(time))).toBe(open);
  });
});

describe('nextOpening', () => {
  it.each([
    [[], '2026-11-21T12:00', '2026-11-21T12:00'],
    [['02:00-04:00'], '2026-11-21T03:00', '2026-11-21T03:00'],
    [['02:00-04:00'], '2026-11-21T01:00', '2026-11-21T02:00'],
    [['02:00-04:00'], '2026-11-21T04:00', '2026-11-22T02:00'],
    [['22:00-04:00'], '2026-11-21T04:00', '2026-11-21T22:00'],
    [['Sat 02:00-04:00'], '2026-11-21T05:00', '2026-11-28T02:00'],
    [['Mon 02:00-04:00'], '2026-11-22T23:00', '2026-11-23T02:00'],
    [['Sun 22:00-04:00'], '2026-11-23T01:00', '2026-11-23T01:00'],
    [['Sat 06:00-07:00', 'Sat 02:00-04:00'], '2026-11-20T12:00', '2026-11-21T02:00'],
    [['Tue 02:00-04:00', 'Mon 22:00-02:00'], '2026-11-22T12:00', '2026-11-23T22:00'],
    [['Fri 00:30-01:00'], '2026-12-31T23:00', '2027-01-01T00:30'],
  ])('%j from %s: %s', (texts, time, opening) => {
    expect(nextOpening(windows(...texts), new Date(time))).toEqual(new Date(opening));
  });
});

describe('when the clocks change', () => {
  inZone('Europe/Berlin');

  it('the zone took effect', () => {
    expect(new Date('2026-07-01T00:00:00Z').getHours()).toBe(2);
  });

  // On 29 March 2026, 02:00 to 03:00 does not exist; on 25 October, it comes twice.
  it.each([
    ['a window of the hour that is left out', 'Sun 02:00-03:00', '2026-03-28T12:00Z', '2026-04-05T02:00+02:00'],
    ['a window that begins in it', 'Sun 02:30-04:00', '2026-03-28T12:00Z', '2026-03-29T03:30+02:00'],
    ['a window that ends after it', 'Sun 01:00-04:00', '2026-03-28T12:00Z', '2026-03-29T01:00+01:00'],
    ['a window after it', 'Sun 04:00-05:00', '2026-03-28T12:00Z', '2026-03-29T04:00+02:00'],
    ['the hour that comes twice', 'Sun 02:00-03:00', '2026-10-24T12:00Z', '2026-10-25T02:00+02:00'],
    ['a window after the hour that comes twice', 'Sun 04:00-05:00', '2026-10-24T12:00Z', '2026-10-25T04:00+01:00'],
  ])('%s (%s)', (_, text, from, opening) => {
    expect(nextOpening(windows(text), new Date(from))).toEqual(new Date(opening));
  });

  it.each([
    ['Sun 02:00-03:00', '2026-10-25T02:30+02:00', true],
    ['Sun 02:00-03:00', '2026-10-25T02:30+01:00', true],
    ['Sun 02:00-03:00', '2026-10-25T03:00+01:00', false],
    ['Sat 22:00-04:00', '2026-10-25T03:59+01:00', true],
    ['Sat 22:00-04:00', '2026-10-25T04:00+01:00', false],
    ['Sat 22:00-04:00', '2026-03-29T03:59+02:00', true],
    ['Sat 22:00-04:00', '2026-03-29T04:00+02:00', false],
  ])('%s at %s: %s', (text, time, open) => {
    expect(isOpen(windows(text), new Date(time))).toBe(open);
  });
});

const anyWindow: fc.Arbitrary<MaintenanceWindow> = fc
  .record({
    days: fc.subarray(everyDay, { minLength: 1 }),
    opens: fc.integer({ min: 0, max: 1439 }),
    length: fc.integer({ min: 1, max: 1439 }),
  })
  .map(({ days, opens, length }) => ({ days, opens, closes: opens + length }));
const anyWindows = fc.array(anyWindow, { minLength: 1, maxLength: 4 });
const anyTime = fc.date({ min: new Date('2025-01-01'), max: new Date('2028-01-01'), noInvalidDate: true });
/** When the clocks of the zones below change. */
const changes = ['03-29T01:00Z', '10-25T01:00Z', '04-05T03:00Z', '09-06T04:00Z', '04-04T15:00Z', '10-03T15:30Z'];
const nearChange = fc
  .tuple(fc.constantFrom(...changes), fc.integer({ min: -2 * 86_400_000, max: 2 * 86_400_000 }))
  .map(([change, ms]) => new Date(new Date(`2026-${change}`).getTime() + ms));

/** What the wall clock of UTC says, minute by minute. */
function isOpenByWallClock(all: readonly MaintenanceWindow[], date: Date): boolean {
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes();
  const yesterday = (date.getUTCDay() + 6) % 7;
  return all.some(
    ({ days, opens, closes }) =>
      (days.includes(date.getUTCDay()) && opens <= minute && minute < closes) ||
      (days.includes(yesterday) && minute + 1440 < closes),
  );
}

describe.each(['Europe/Berlin', 'America/Santiago', 'Australia/Lord_Howe'])('any windows in %s', (name) => {
  inZone(name);

  it('nextOpening is the first time that is open', () => {
    fc.assert(
      fc.property(
        anyWindows,
        fc.oneof(anyTime, nearChange),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, date, part) => {
          const opening = nextOpening(all, date);
          expect(opening).toBeDefined();
          const time = opening?.getTime() ?? Number.NaN;
          expect(isOpen(all, new Date(time))).toBe(true);
          if (isOpen(all, date)) {
            expect(time).toBe(date.getTime());
            return;
          }
          expect(time).toBeGreaterThan(date.getTime());
          expect(isOpen(all, new Date(time - 1))).toBe(false);
          // Nor anywhere between.
          const between = date.getTime() + Math.floor((time - date.getTime()) * part);
          if (between < time) expect(isOpen(all, new Date(between))).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('any windows where no clock changes', () => {
  inZone('UTC');

  it('isOpen agrees with the wall clock', () => {
    fc.assert(
      fc.property(anyWindows, anyTime, (all, date) => {
        expect(isOpen(all, date)).toBe(isOpenByWallClock(all, date));
      }),
      { numRuns: 1000 },
    );
  });
});
