/** UAPI.10: a total order, whatever the versions look like. */
import fc from 'fast-check';
import { comparePreference, isVpickVersion, parseVpickName } from '../../../src/resolve/vpick.ts';
import { compareVersions, isSameVersion, isVersion, newestFirst } from '../../../src/version/compare.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds } from '../target.ts';

export const anyVersion = fc.oneof(
  {
    weight: 6,
    arbitrary: textOf(['0', '1', '2', '10', '01', 'a', 'B', 'rc', '.', '-', '~', '^', '_', '+', '\u00e4'], 7),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 10 }) },
);
export const validVersion = fc.stringMatching(/^[0-9A-Za-z.~^_+-]{0,11}[0-9A-Za-z]$/).filter(isVersion);
const sign = (a: string, b: string) => Math.sign(compareVersions(a, b));

export const versions: FuzzTarget = {
  name: 'versions',
  properties: [
    holds(
      'the order is one',
      6000,
      fc.property(anyVersion, anyVersion, anyVersion, (a, b, c) => {
        ensure(sign(a, a) === 0, 'not equal to itself');
        ensure(sign(a, b) === 0 - sign(b, a), 'not antisymmetric');
        if (sign(a, b) <= 0 && sign(b, c) <= 0) {
          ensure(sign(a, c) === Math.min(sign(a, b), sign(b, c)), 'not transitive');
        }
        ensure(isSameVersion(a, b) === (sign(a, b) === 0), 'equality is another one');
      }),
    ),
    holds(
      'sorting does not depend on the order before',
      1000,
      fc.property(fc.uniqueArray(anyVersion, { maxLength: 12 }), (all) => {
        const sorted = (some: readonly string[]) => JSON.stringify(some.toSorted(newestFirst));
        ensure(sorted(all) === sorted(all.toReversed()), 'another result for the reverse');
      }),
    ),
    holds(
      'something behind makes it another version, a tilde an older one',
      1000,
      fc.property(validVersion, (text) => {
        ensure(compareVersions(`${text}~`, text) < 0, '~ is older');
        ensure(compareVersions(`${text}^`, text) > 0, '^ is newer');
      }),
    ),
    holds(
      'names in a .v directory',
      2000,
      fc.property(
        textOf(['app_', '1', '.', '_x86-64', '_arm64', '+', '3', '-', '0', '.raw', '_', '99999999999999999999'], 8),
        anyVersion,
        (rest, other) => {
          const entry = parseVpickName(`app_${rest}.raw`, 'app', '.raw');
          if (entry === undefined) return;
          ensure(isVpickVersion(entry.version), 'a version that vpick does not take');
          const second = parseVpickName(`app_${other}.raw`, 'app', '.raw');
          if (second === undefined) return;
          const order = Math.sign(comparePreference(entry, second, 'x86-64'));
          ensure(order === 0 - Math.sign(comparePreference(second, entry, 'x86-64')), 'not antisymmetric');
          ensure((order === 0) === (entry.name === second.name), 'two names of the same rank');
        },
      ),
    ),
  ],
};
