import { describe, expect, it } from 'vitest';
import { compareVersions, isVersion, looksLikePreRelease, newestFirst } from '../../../src/version/compare.ts';

/** From oldest to newest: the chain of systemd's test-string-util.c. */
const chain = [
  '~1',
  '',
  'ab',
  'abb',
  'abc',
  '0001',
  '002',
  '12',
  '122',
  '122.9',
  '123~rc1',
  '123',
  '123-a',
  '123-a.1',
  '123-a1',
  '123-a1.1',
  '123-3',
  '123-3.1',
  '123^patch1',
  '123^1',
  '123.a-1',
  '123.1-1',
  '123a-1',
  '124',
];

describe('compareVersions', () => {
  const pairs = chain.flatMap((older, index) => chain.slice(index + 1).map((newer) => [older, newer] as const));

  it.each(pairs)('"%s" is older than "%s"', (older, newer) => {
    expect(Math.sign(compareVersions(older, newer))).toBe(-1);
    expect(Math.sign(compareVersions(newer, older))).toBe(1);
  });

  it.each(chain)('"%s" equals itself', (version) => {
    expect(compareVersions(version, version)).toBe(0);
  });

  it.each([
    ['1.0', '1.00'],
    ['1.0', '01.000'],
    ['0_', '0'],
    ['1é0', '1_0'],
  ])('"%s" is the same version as "%s"', (a, b) => {
    expect(compareVersions(a, b)).toBe(0);
  });

  it.each([
    ['123.', '123'],
    ['123', '12_3'],
    ['12_3', '12.3'],
    ['123.0', '123..0'],
    ['1.2.0-rc1', '1.2.0'],
    ['1.2.0', '1.2.0~rc1'],
    ['1.9', 'v1.10'],
    ['1_0', '1.0'],
    ['1.0.0', '1.0'],
    ['1.0+b2', '1.0+b1'],
    ['2024-01-01', '1.11'],
    ['10xyz', '10.1xyz'],
    ['2_0', '2.0'],
    ['1b.fc17', '1.fc17'],
    ['1.01', '1.0^git1'],
    ['99999999999999999999999', '99999999999999999999998'],
  ])('"%s" is newer than "%s"', (newer, older) => {
    expect(Math.sign(compareVersions(newer, older))).toBe(1);
    expect(Math.sign(compareVersions(older, newer))).toBe(-1);
  });
});

describe('newestFirst', () => {
  it('gives one order for any order of the input', () => {
    const versions = ['1.0', '1.00', '2', '1.10', '1.9'];
    expect([...versions].sort(newestFirst)).toEqual(['2', '1.10', '1.9', '1.0', '1.00']);
    expect([...versions].reverse().sort(newestFirst)).toEqual(['2', '1.10', '1.9', '1.0', '1.00']);
  });
});

describe('isVersion', () => {
  it.each(['1', '1.2.3', 'v1.32.2+k3s1', '1~rc1', '1^2', '28.0.4', '2.45.1-1.fc41', 'a_b'])('%s is one', (text) => {
    expect(isVersion(text)).toBe(true);
  });
  it.each(['', '.', '..', 'a/b', 'a b', '1:2', 'ü', '1\n', 'x'.repeat(129)])('%j is none', (text) => {
    expect(isVersion(text)).toBe(false);
  });
});

describe('looksLikePreRelease', () => {
  it.each([
    ['1.2.0-rc1', true],
    ['1.2.0-beta.2', true],
    ['1.2.0~rc1', false],
    ['1.2.0-1', false],
    ['arc-1', false],
  ])('%s: %s', (version, expected) => {
    expect(looksLikePreRelease(version)).toBe(expected);
  });
});
