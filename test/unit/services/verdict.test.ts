import { describe, expect, it } from 'vitest';
import type { Sight } from '../../../src/services/sight.ts';
import { isStale, isUpToDate, seenVersion } from '../../../src/services/verdict.ts';
import type { InstalledInstance } from '../../../src/types.ts';

const version = (name: string): InstalledInstance => ({
  transferId: 'web',
  version: name,
  name: `web_${name}.raw`,
  path: `/var/lib/web.raw.v/web_${name}.raw`,
  parked: false,
  sizeBytes: 1,
});
const use = { exposed: version('2') };
const sight = (matches: readonly string[], mount: string, why?: Sight['why']): Sight => ({
  matches: matches.map(version),
  mounts: [{ point: '/etc', identity: mount }],
  ...(why ? { why } : {}),
});

describe('isUpToDate', () => {
  it.each([
    [['2'], true],
    [['1'], false],
    [['1', '2'], false],
    [[], false],
  ])('%j: %s', (matches, expected) => {
    expect(isUpToDate(use, { matches: matches.map(version) })).toBe(expected);
  });

  it('is never so where nothing is exposed', () => {
    expect(isUpToDate({ exposed: undefined }, { matches: [] })).toBe(false);
  });
});

describe('isStale', () => {
  it.each<[string, Sight, boolean, boolean]>([
    ['sees the new one', sight(['2'], 'new'), true, false],
    ['sees the old one in the old mount', sight(['1'], 'old'), true, true],
    ['sees the old one in a new mount', sight(['1'], 'new'), true, true],
    ['looks like both in the old mount', sight(['1', '2'], 'old'), true, true],
    ['looks like both in a new mount', sight(['1', '2'], 'new'), true, false],
    ['looks like both in a new process', sight(['1', '2'], 'old'), false, false],
    ['cannot be told in the old mount', sight([], 'old', 'other'), true, true],
    ['cannot be told in a new mount', sight([], 'new', 'other'), true, false],
    ['sees nothing of it', sight([], 'new', 'absent'), true, true],
  ])('%s', (_, after, isSameProcess, expected) => {
    expect(isStale(use, sight(['1'], 'old'), after, isSameProcess)).toBe(expected);
  });
});

it.each([
  [['1'], '1'],
  [['1', '2'], '2'],
  [[], undefined],
])('of versions that look like %j, it is said to see %s', (matches, expected) => {
  expect(seenVersion(use, { matches: matches.map(version) })).toBe(expected);
});
