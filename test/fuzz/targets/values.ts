/** Values of settings and headers: sizes, time spans, schedules, maintenance windows, redirects. */
import fc from 'fast-check';
import { isOpen, nextOpening, parseMaintenanceWindow } from '../../../src/daemon/maintenance-window.ts';
import { readSchedule } from '../../../src/daemon/schedule.ts';
import { parseConfig } from '../../../src/definition/config.ts';
import { parseIni } from '../../../src/definition/ini.ts';
import { ConfigError, NetworkError, PolicyError } from '../../../src/errors.ts';
import { displayUrl, redirectTarget } from '../../../src/fetch/url.ts';
import { parseSize, parseTimeSpan } from '../../../src/syntax.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const amount = textOf(
  [
    '1',
    '0',
    '99',
    '1.5',
    '.',
    'e9',
    '-',
    ' ',
    'K',
    'M',
    'iB',
    'B',
    'P',
    's',
    'min',
    'h',
    'd',
    'w',
    'ms',
    'infinity',
    'constructor',
    '1'.repeat(30),
  ],
  8,
);
const field = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('*', '0', '*/6', '1,15', '1-5', '30', '2', '31', '12', '7', 'mon', 'jan', '?'),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[0-9a-zLW?#*,/-]{1,8}$/) },
);
const schedule = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(field, field, field, field, field).map((fields) => fields.join(' ')) },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
);
const window = textOf(
  ['Sat', 'sunday', 'Mon..Fri', ',', '..', ' ', '22:00', '04:00', '24:00', '00:00', '-', '25:61', 'x'],
  8,
);
const at = fc.date({
  min: new Date('1970-01-02T00:00:00Z'),
  max: new Date('2100-01-01T00:00:00Z'),
  noInvalidDate: true,
});

export const values: FuzzTarget = {
  name: 'values',
  properties: [
    holds(
      'sizes and time spans',
      6000,
      fc.property(amount, (text) => {
        const size = parseSize(text);
        ensure(size === undefined || size === Number.POSITIVE_INFINITY || Number.isSafeInteger(size), `${size}`);
        ensure(size === undefined || size >= 0, `${size}`);
        const seconds = parseTimeSpan(text);
        ensure(seconds === undefined || seconds >= 0, `${seconds}`);
      }),
    ),
    holds(
      'what is printed is read back',
      500,
      fc.property(
        fc.nat(),
        fc.constantFrom('B', 'K', 'M'),
        fc.nat({ max: 9999 }),
        fc.nat({ max: 59 }),
        (count, unit, hours, minutes) => {
          ensure(parseSize(`${count}${unit}`) === count * 1024 ** 'BKM'.indexOf(unit), 'another size');
          ensure(parseTimeSpan(`${hours}h ${minutes}min`) === hours * 3600 + minutes * 60, 'another span');
        },
      ),
    ),
    holds(
      'maintenance windows',
      3000,
      fc.property(window, at, (text, now) => {
        const parsed = parseMaintenanceWindow(text);
        if (parsed === undefined) return;
        ensure(parsed.days.length > 0 && parsed.days.every((day) => day >= 0 && day <= 6), `days ${parsed.days}`);
        ensure(parsed.opens >= 0 && parsed.closes > parsed.opens && parsed.closes <= 48 * 60, JSON.stringify(parsed));
        const next = nextOpening([parsed], now);
        ensure(next !== undefined && next >= now && isOpen([parsed], next), `${next?.toISOString()}`);
      }),
    ),
    holds(
      'schedules that the configuration accepts',
      150,
      fc.asyncProperty(schedule, async (text) => {
        const { problems } = parseConfig(parseIni(`[Extupdate]\nSchedule=${text}\n`, 'f').assignments);
        if (problems.length > 0) return;
        try {
          const before = new Date();
          ensure((await readSchedule(text))() >= before, 'a time that has passed');
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
        }
      }),
    ),
    holds(
      'redirects',
      3000,
      fc.property(
        textOf(
          [
            'https://',
            'http://',
            'file:',
            'ftp://',
            'data:',
            '//',
            '/',
            '..',
            'h',
            ':80',
            'user:secret@',
            '?q=secret',
            '#',
            '%',
            '\\',
            '\t',
            '[::1]',
          ],
          6,
        ),
        fc.boolean(),
        (location, allowHttp) => {
          const target = unlessRefused(
            () => redirectTarget('https://example.com/a', location, allowHttp),
            PolicyError,
            NetworkError,
          );
          if (target === undefined) return;
          ensure(target.startsWith('https://') || (allowHttp && target.startsWith('http://')), target);
          const shown = displayUrl(target);
          const { username, password, search } = new URL(shown);
          ensure(`${username}${password}${search}` === '', shown);
        },
      ),
    ),
  ],
};
