/**
 * The fault catalogue, H: the program against every switch of the fault server. `npm run test:faults` takes every value
 * of every switch, for images, lists and signatures; otherwise it is the first value of each.
 */
import { describe, expect, it } from 'vitest';
import { type Aim, expectClean, type GroupOutcome, sufferTogether } from '../support/fault-server/components.ts';
import type { Switch } from '../support/fault-server/switch.ts';
import { switches } from '../support/fault-server/switches.ts';

const all = process.env.EXTUPDATE_TEST_ALL === '1';
/** Components of one run; it works at four at a time. */
const GROUP = 24;
/** Runs at the same time. */
const RUNS = 3;

/** Lists are fetched by much the same code as images: a part of the switches will do for them. */
const aimsOf = ({ answer }: Switch, index: number): readonly Aim[] => {
  if (!answer) return ['everything'];
  return all ? ['image', 'list', 'signature'] : index % 8 === 0 ? ['list'] : ['image'];
};
const groups = (['image', 'list', 'signature', 'everything'] as const).flatMap((aim) => {
  const aimed = switches.filter((one, index) => aimsOf(one, index).includes(aim));
  const settings = aimed.flatMap(({ name, number, values }) => {
    const said = values?.map((value) => `${name}=${value}`) ?? [name];
    return (all ? said : said.slice(0, 1)).map((setting) => ({ number, setting }));
  });
  const count = Math.ceil(settings.length / GROUP);
  return Array.from({ length: count }, (_, index) => ({
    aim,
    cases: settings.slice(index * GROUP, (index + 1) * GROUP),
  }));
});

describe('every switch of the fault server', { timeout: 300_000 }, () => {
  it('is one of at least 40', () => {
    expect(switches.length).toBeGreaterThanOrEqual(40);
    expect(new Set(switches.map(({ name }) => name)).size).toBe(switches.length);
  });

  const start = (index: number) => {
    const { aim, cases } = groups[index] ?? { aim: 'everything', cases: [] };
    const settings = cases.map(({ setting }) => setting);
    return sufferTogether(aim, settings);
  };
  const running = new Map<number, Promise<GroupOutcome>>();
  const outcomeOf = (index: number): Promise<GroupOutcome> => {
    const before = running.get(index - RUNS);
    const started = running.get(index) ?? Promise.resolve(before).then(() => start(index));
    running.set(index, started);
    return started;
  };
  // Waiting for one starts those that come next.
  const ahead = (index: number) => {
    for (let next = index; next < Math.min(index + RUNS, groups.length); next++) outcomeOf(next).catch(() => {});
    return outcomeOf(index);
  };

  for (const [index, { aim, cases }] of groups.entries()) {
    for (const [place, { number, setting }] of cases.entries()) {
      it(`${number}: ${setting.slice(0, 60)}, for ${aim === 'everything' ? aim : `the ${aim}`}`, async () => {
        const outcome = (await ahead(index)).outcomes[place];
        if (process.env.EXTUPDATE_TEST_TELL === '1')
          console.log(`TELL ${JSON.stringify({ setting, aim, ...outcome })}`);
        if (outcome) expectClean(outcome);
      });
    }
    it(`leaves the healthy component of group ${index + 1} alone`, async () => {
      const { run, mended, healthy } = await ahead(index);
      expect([0, 10, 11, 12, 13, 15], run.stderr).toContain(run.status);
      expect(run.stderr).not.toMatch(/^\s+at /m);
      expect(healthy).toBe('2');
      expect(mended, `the next good run: ${mended.stdout}`).toMatchObject({ status: 0 });
    });
  }
});
