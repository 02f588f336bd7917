import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/resolve/glob.ts';
import { decideKeep, type Needs } from '../../../src/resolve/keep.ts';
import { comparePreference, isCandidate, parseVpickName } from '../../../src/resolve/vpick.ts';
import type { InstalledInstance } from '../../../src/types.ts';

const instance = (version: string): InstalledInstance => ({
  transferId: 'app',
  version,
  name: `app_${version}.raw`,
  path: `/store/app_${version}.raw`,
  parked: false,
  sizeBytes: 1,
});

const nothing: Needs = { merged: new Set(), forOs: new Map() };

describe('decideKeep', () => {
  const kept = (versions: string[], more: Partial<Parameters<typeof decideKeep>[0]>) =>
    decideKeep({ installed: versions.map(instance), protectVersions: [], instancesMax: 2, needs: nothing, ...more })
      .filter(({ keep }) => keep)
      .map(({ instance: { version } }) => version);

  it.each([
    ['the newest up to InstancesMax=', ['1', '2', '3'], { active: 'app_3.raw' }, ['3', '2']],
    ['the active one, although it is the oldest', ['1', '2', '3', '4'], { active: 'app_1.raw' }, ['4', '1']],
    ['the one before the active one', ['1', '2', '3'], { active: 'app_3.raw', previous: '1' }, ['3', '1']],
    [
      'protected ones, which count',
      ['1', '2', '3', '4'],
      { active: 'app_4.raw', protectVersions: ['1'] },
      ['4', '3', '1'],
    ],
    ['all, when there is room', ['1', '2'], { active: 'app_2.raw', instancesMax: 5 }, ['2', '1']],
    ['a version to go back to, with the least InstancesMax=', ['1', '2'], { active: 'app_2.raw' }, ['2', '1']],
    ['the newest, when nothing is active', ['1', '2', '3'], {}, ['3', '2']],
    // ProtectVersion= compares text, not versions.
    [
      'no other spelling of a protected version',
      ['1.00', '2', '3'],
      { active: 'app_3.raw', protectVersions: ['1.0'] },
      ['3', '2'],
    ],
  ])('keeps %s', (_, versions, more, expected) => {
    expect(kept(versions, more)).toEqual(expected);
  });

  it('never removes the active or the previous version, whatever the history', () => {
    for (let count = 1; count <= 8; count++) {
      const versions = Array.from({ length: count }, (_, index) => String(index + 1));
      for (const active of versions) {
        for (const previous of versions) {
          const stays = kept(versions, { active: `app_${active}.raw`, previous });
          expect(stays).toContain(active);
          expect(stays).toContain(previous);
          expect(stays.length).toBeLessThanOrEqual(Math.max(2, new Set([active, previous]).size));
        }
      }
    }
  });
});

describe('names in a .v directory (vpick)', () => {
  it.each([
    ['foo_5.5.raw', { version: '5.5' }],
    ['foo_7_x86-64.raw', { version: '7', architecture: 'x86-64' }],
    ['foo_2_s390+4-6.raw', { version: '2', architecture: 's390', triesLeft: 4, triesDone: 6 }],
    ['foo_3+0.raw', { version: '3', triesLeft: 0 }],
    // Unknown text after the last underscore is cut off.
    ['foo_2_rc1.raw', { version: '2' }],
    ['foo_1.5_bogus.raw', { version: '1.5' }],
    ['foo_v1.32.2+k3s1.raw', undefined],
    ['foo.raw', undefined],
    ['bar_1.raw', undefined],
    ['foo_1.raw.parked', undefined],
    ['foo_.raw', undefined],
  ])('%s', (name, expected) => {
    const entry = parseVpickName(name, 'foo', '.raw');
    if (expected === undefined) expect(entry).toBeUndefined();
    else expect(entry).toEqual({ name, ...expected });
  });

  const best = (names: string[], native = 'x86-64') =>
    names
      .flatMap((name) => parseVpickName(name, 'foo', '.raw') ?? [])
      .filter((entry) => isCandidate(entry, native))
      .sort((a, b) => comparePreference(a, b, native))[0]?.name;

  it.each([
    [['foo_5.5.raw', 'foo_55.raw', 'foo_5.raw'], 'foo_55.raw'],
    [['foo_55.raw', 'foo_99_x86.raw', 'foo_100_sparc.raw'], 'foo_99_x86.raw'],
    [['foo_55_x86-64.raw', 'foo_55_x86.raw', 'foo_55.raw'], 'foo_55_x86-64.raw'],
    [['foo_2+0-3.raw', 'foo_0.5.raw'], 'foo_0.5.raw'],
    [['foo_1+0.raw', 'foo_2+0.raw'], 'foo_2+0.raw'],
    [['foo_0.6.raw', 'foo_0.6+1.raw'], 'foo_0.6.raw'],
    [['foo_1+2-5.raw', 'foo_1+3-9.raw'], 'foo_1+3-9.raw'],
    [['foo_1+2-5.raw', 'foo_1+2-4.raw'], 'foo_1+2-4.raw'],
    [['foo_7_ia64.raw'], undefined],
  ])('of %j it takes %s', (names, expected) => {
    expect(best(names)).toBe(expected);
    expect(best(names.toReversed())).toBe(expected);
  });
});

describe('matchesGlob', () => {
  it.each([
    ['*-rc*', '1.2-rc1', true],
    ['*-rc*', '1.2', false],
    ['1.?', '1.2', true],
    ['1.?', '1.23', false],
    ['1.[0-3]', '1.2', true],
    ['1.[!0-3]', '1.2', false],
    ['1.[!0-3]', '1.7', true],
    ['1.2', '1x2', false],
    ['1+2', '1+2', true],
    ['a*b*', 'ab', true],
    ['*', '', true],
    ['?', '', false],
    ['[]]', ']', true],
    ['[!]]', 'a', true],
    ['[a-]', '-', true],
    ['[z-a]', 'm', false],
    ['[a', '[a', true],
    [`${'*a'.repeat(60)}b`, 'a'.repeat(128), false],
  ])('%s on %s: %s', (glob, text, expected) => {
    expect(matchesGlob(glob, text)).toBe(expected);
  });
});
