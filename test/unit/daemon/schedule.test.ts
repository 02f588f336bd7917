import { describe, expect, it } from 'vitest';
import { readSchedule } from '../../../src/daemon/schedule.ts';
import { ConfigError } from '../../../src/errors.ts';

describe('readSchedule', () => {
  it('finds the next minute', async () => {
    const before = Date.now();
    const next = (await readSchedule('* * * * *'))();
    expect(next.getTime()).toBeGreaterThan(before);
    expect(next.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
    expect(next.getSeconds()).toBe(0);
  });

  it.each([
    ['0 */6 * * *', (date: Date) => date.getHours() % 6 === 0 && date.getMinutes() === 0],
    ['30 2 * * sun', (date: Date) => date.getDay() === 0 && date.getHours() === 2 && date.getMinutes() === 30],
    ['0 0 1 jan *', (date: Date) => date.getMonth() === 0 && date.getDate() === 1],
  ])('%s, in local time', async (expression, fits) => {
    expect(fits((await readSchedule(expression))())).toBe(true);
  });

  it.each([
    ['99 * * * *', '99 is a invalid expression for minute'],
    ['0 0 30 2 *', 'impossible day of month'],
    ['0 0 * * someday', 'invalid expression for week day'],
    ['0 0 5 2 mon#5', 'Could not find next matching date'],
  ])('%s: %s', async (expression, reason) => {
    await expect(readSchedule(expression)).rejects.toThrow(ConfigError);
    await expect(readSchedule(expression)).rejects.toThrow(`Schedule=: "${expression}" is not valid: `);
    await expect(readSchedule(expression)).rejects.toThrow(reason);
  });
});
