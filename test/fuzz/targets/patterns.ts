/** `MatchPattern=`: what is made of a pattern is matched by it, and nothing else comes out of a name than was in it. */
import fc from 'fast-check';
import { matchesGlob } from '../../../src/resolve/glob.ts';
import { isVersion } from '../../../src/version/compare.ts';
import {
  formatPattern,
  literalLength,
  matchPattern,
  matchPatterns,
  PatternError,
  type PatternFields,
  parsePattern,
  wildcards,
} from '../../../src/version/pattern.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const letters = Object.keys(wildcards).map((letter) => `@${letter}`);
export const patternText = textOf(
  [...letters, '@v', '@v', '@@', '@', '@x', 'app', '_', '.', '.raw', '-', '/', '**/', '..', '*', '\\', ' '],
  9,
);
export const nameText = textOf(
  ['app', '_', '1', '.2', '10', '.raw', '-', '/', '0644', 'yes', '0', 'deadbeef', 'ab'.repeat(32), 'ab'.repeat(16)],
  9,
);

const fields: fc.Arbitrary<PatternFields> = fc.record({
  version: fc.stringMatching(/^[0-9A-Za-z.~^+-]{1,8}$/).filter(isVersion),
  uuid: fc.stringMatching(/^[0-9a-f]{32}$/),
  flags: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  noAuto: fc.boolean(),
  growFileSystem: fc.boolean(),
  readOnly: fc.boolean(),
  mtime: fc.bigInt({ min: 0n, max: 10n ** 18n }),
  mode: fc.constantFrom(0, 0o644, 0o755, 0o775),
  size: fc.nat(),
  triesDone: fc.nat({ max: 999 }),
  triesLeft: fc.nat({ max: 999 }),
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
});
/** Patterns in which no literal can stand in a field. */
const plainPattern = fc
  .tuple(fc.shuffledSubarray(letters.filter((letter) => letter !== '@v')), fc.nat(), fc.boolean())
  .map(([some, at, deep]) => {
    const all = [...some.slice(0, at % (some.length + 1)), '@v', ...some.slice(at % (some.length + 1))];
    return `${deep ? 'dir/' : ''}app${all.map((letter) => `__${letter}`).join('')}__raw`;
  });

function equal(a: PatternFields | undefined, b: PatternFields | undefined): boolean {
  const text = (value: PatternFields | undefined) =>
    JSON.stringify(
      value &&
        Object.entries(value)
          .sort()
          .map(([key, one]) => [key, String(one)]),
    );
  return text(a) === text(b);
}

export const patterns: FuzzTarget = {
  name: 'patterns',
  properties: [
    holds(
      'any pattern, any name',
      8000,
      fc.property(patternText, nameText, (text, name) => {
        const pattern = unlessRefused(() => parsePattern(text), PatternError);
        if (pattern === undefined) return;
        ensure(!pattern.text.split('/').some((part) => part === '..' || part === ''), 'a path that leads elsewhere');
        ensure(literalLength(pattern) <= text.length, 'more literal text than there is');
        const found = matchPattern(pattern, name);
        ensure(equal(found, matchPatterns([pattern], name)), 'alone and in a list');
        if (found === undefined) return;
        ensure(isVersion(found.version) && name.includes(found.version), 'a version that is not in the name');
        ensure(found.mode === undefined || (found.mode & ~0o775) === 0, 'a mode with other bits');
      }),
    ),
    holds(
      'a name that is made is matched, with the same fields',
      2000,
      fc.property(plainPattern, fields, (text, values) => {
        const pattern = parsePattern(text);
        const name = formatPattern(pattern, values);
        ensure(name !== undefined, 'every field is there');
        const found = matchPattern(pattern, name);
        const wanted = Object.fromEntries(
          Object.entries(values).filter(([key]) =>
            pattern.elements.some((one) => one.type === 'wildcard' && wildcards[one.wildcard] === key),
          ),
        ) as unknown as PatternFields;
        ensure(
          equal(found, wanted),
          `${name}: ${JSON.stringify(found, (_, one) => (typeof one === 'bigint' ? String(one) : one))}`,
        );
      }),
    ),
    holds(
      'a glob is what its characters say',
      3000,
      fc.property(
        textOf(['*', '*', '?', 'a', 'b', '[ab]', '[!a]', '[a-c]', '[', ']', '-', '.', '[z-a]', '^', '\\'], 12),
        textOf(['a', 'b', 'c', '.', '-', ']', '[', '^'], 30),
        (glob, text) => {
          matchesGlob(glob, text);
          ensure(matchesGlob('*', text), '* matches everything');
          ensure(matchesGlob(`*${glob}*`, text) || !matchesGlob(glob, text), 'more stars match less');
          const literal = text.replace(/[*?[\\]/g, '');
          ensure(matchesGlob(literal, literal), 'a literal matches itself');
        },
      ),
    ),
  ],
};
