/** UAPI.10: the examples of the specification, with systemd-analyze as the judge where it is installed. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { compareVersions } from '../../src/version/compare.ts';

/** In the order of the specification's examples, oldest first within each line. */
const examples = [
  ['~', '', '.', 'a'],
  ['11', '11'],
  ['~1', ''],
  ['systemd-123', 'systemd-123.1'],
  ['bar-123', 'foo-123'],
  ['123a', '123'],
  ['123.a', '123'],
  ['123.b', '123.a'],
  ['123a', '123.a'],
  ['11α', '11β'],
  ['a', 'A'],
  ['0_', '0'],
  ['_1', '1_'],
  ['1_', '1.2'],
  ['1_2_3', '1.3.3'],
  ['1+', '1'],
  ['1', '1.0', '1.0.0', '1.0~rc1', '1.0-1', '1.0^1'],
  ['v1.32.2+k3s1', 'v1.32.2+k3s2', 'v1.31.4+rke2r1', '1.32.2'],
  ['2.45.1-1.fc41', '2.45.1-2.fc41', '2.45.1^20240101-1', '1:2.45'],
] as const;

const pairs = examples.flatMap((line) => line.flatMap((a) => line.map((b) => [a, b] as const)));
const analyze = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const judge = analyze.status === 0;
if (!judge) console.warn('skipped: comparison with systemd-analyze: it is not installed');

describe.skipIf(!judge)('compareVersions agrees with systemd-analyze compare-versions', () => {
  // Empty versions are refused by the command line, not by the algorithm.
  it.each(pairs.filter(([a, b]) => a !== '' && b !== ''))('"%s", "%s"', (a, b) => {
    const { status } = spawnSync('systemd-analyze', ['compare-versions', '--', a, b]);
    const expected = { 0: 0, 11: 1, 12: -1 }[status ?? -1];
    expect(Math.sign(compareVersions(a, b))).toBe(expected);
  });
});

describe('compareVersions is an order', () => {
  const all = [...new Set(examples.flat())];

  it('is antisymmetric', () => {
    for (const [a, b] of pairs) expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
  });

  it('is transitive', () => {
    for (const a of all) {
      for (const b of all) {
        for (const c of all) {
          if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
            expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
        }
      }
    }
  });
});
