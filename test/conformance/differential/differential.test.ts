/**
 * extupdate against systemd-sysupdate 257 and 262: the same definitions, the same server, the same commands; what is
 * chosen, installed and removed has to be the same, but for what `intended-differences.ts` names.
 *
 * - `EXTUPDATE_TEST_SCENARIOS=N`: how many scenarios
 * - `EXTUPDATE_TEST_SEED=N`: the seed of the first; the next one has the next number
 * - `EXTUPDATE_TEST_SCENARIO=FILE`: one scenario as it was printed, edited by hand
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostUnavailable, prepareTree } from '../../support/systemd-host.ts';
import { bundleDriver } from './bundle-driver.ts';
import { runInTree } from './container.ts';
import { intendedDifferences } from './intended-differences.ts';
import type { Report } from './report.ts';

const SCENARIOS_DEFAULT = 300;
const { EXTUPDATE_TEST_SCENARIOS: count, EXTUPDATE_TEST_SEED: seed, EXTUPDATE_TEST_SCENARIO: file } = process.env;
/** Failures that are printed in full. */
const FAILURES_SHOWN = 3;
const TIMEOUT_MS = 1_800_000;

const reason = hostUnavailable();
if (reason !== undefined && process.env.CI) throw new Error(`the differential test must run in CI: ${reason}`);
if (reason !== undefined) console.warn(`skipped: comparison with systemd-sysupdate: ${reason}`);

describe.skipIf(reason !== undefined)('extupdate and systemd-sysupdate', () => {
  it('do the same, but for what is intended', { timeout: TIMEOUT_MS }, async () => {
    const started = performance.now();
    const reports = await playAll();
    const figures = figuresOf(reports);
    console.log(renderFigures(figures, (performance.now() - started) / 1000));

    const failures = reports.flatMap((report) => report.failures);
    const shown = failures.slice(0, FAILURES_SHOWN).join(`\n\n${'='.repeat(100)}\n`);
    expect(failures.length, `commands with differences that are not intended, the first of them:\n\n${shown}\n`).toBe(
      0,
    );
    // Fewer scenarios need not show all.
    if (file !== undefined || reports.length < SCENARIOS_DEFAULT) return;
    const unseen = intendedDifferences.map(({ name }) => name).filter((name) => !figures.seen.has(name));
    expect(unseen, 'intended differences that do not occur any more').toEqual([]);
  });
});

async function playAll(): Promise<Report[]> {
  const directory = mkdtempSync(join(tmpdir(), 'extupdate-differential-'));
  const driver = join(directory, 'driver.mjs');
  try {
    await bundleDriver(driver);
    if (file !== undefined) copyFileSync(file, join(directory, 'scenario.json'));
    const scenarios =
      file === undefined ? [seed ?? '1', count ?? String(SCENARIOS_DEFAULT)] : ['/run/driver/scenario.json'];
    const [trixie, forky] = await Promise.all([prepareTree('trixie'), prepareTree('forky')]);
    const reports: Report[] = [];
    await runInTree(['/run/node/bin/node', '/run/driver/driver.mjs', ...scenarios], {
      tree: forky,
      name: basename(directory).toLowerCase(),
      shown: {
        '/run/node/bin/node': process.execPath,
        '/run/driver': dirname(driver),
        '/run/trees/257': trixie,
        '/run/trees/262': forky,
      },
      onLine: (line) => reports.push(JSON.parse(line) as Report),
    });
    return reports.sort((a, b) => a.seed - b.seed);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Figures {
  readonly scenarios: number;
  readonly commands: number;
  readonly comparisons: number;
  /** By name of the intended difference. */
  readonly seen: ReadonlyMap<string, number>;
}

function figuresOf(reports: readonly Report[]): Figures {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const names = new Set(reports.flatMap(({ seen }) => Object.keys(seen)));
  return {
    scenarios: reports.length,
    commands: sum(reports.map(({ commands }) => commands)),
    comparisons: sum(reports.map(({ comparisons }) => comparisons)),
    seen: new Map([...names].sort().map((name) => [name, sum(reports.map(({ seen }) => seen[name] ?? 0))])),
  };
}

function renderFigures({ scenarios, commands, comparisons, seen }: Figures, seconds: number): string {
  const differences = [...seen].map(([name, number]) => `${number} ${name}`).join('; ');
  const played = `${scenarios} scenarios, ${commands} commands, ${comparisons} comparisons in ${seconds.toFixed(0)} s`;
  return `${played}; intended differences: ${differences || 'none'}`;
}
