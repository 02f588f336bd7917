/** The short round: the same cases each time. `npm run fuzz` goes on with others. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targets } from './targets.ts';

describe.each(targets)('$name', ({ properties }) => {
  it.each(properties.map((one) => [one.name, one] as const))('%s', async (_, { property, runs }) => {
    const result = await fc.check(property, { numRuns: runs, seed: 1 });
    expect(result.failed && fc.defaultReportMessage(result)).toBe(false);
  });
});
