/** Comparisons such as `>= 5` in conditions (compare-operator.c of systemd). Pure. */
import { matchesGlob } from '../resolve/glob.ts';
import { compareVersions } from '../version/compare.ts';

type Holds = (actual: string, expected: string) => boolean;

/** Longer operators first; `=` and `!=` compare text, `==` and `<>` versions. */
const OPERATORS: readonly (readonly [string, Holds])[] = [
  ['$=', (actual, expected) => matchesGlob(expected, actual)],
  ['!$=', (actual, expected) => !matchesGlob(expected, actual)],
  ['<>', (actual, expected) => compareVersions(actual, expected) !== 0],
  ['<=', (actual, expected) => compareVersions(actual, expected) <= 0],
  ['>=', (actual, expected) => compareVersions(actual, expected) >= 0],
  ['<', (actual, expected) => compareVersions(actual, expected) < 0],
  ['>', (actual, expected) => compareVersions(actual, expected) > 0],
  ['==', (actual, expected) => compareVersions(actual, expected) === 0],
  ['=', (actual, expected) => actual === expected],
  ['!=', (actual, expected) => actual !== expected],
];

/** What a text without an operator is in a comparison of versions. */
export const matches: Holds = (actual, expected) => matchesGlob(expected, actual);

/** The operator that a text begins with, and what comes after it; undefined when there is none. */
export function leadingOperator(text: string): { readonly holds: Holds; readonly rest: string } | undefined {
  const found = OPERATORS.find(([operator]) => text.startsWith(operator));
  return found && { holds: found[1], rest: text.slice(found[0].length) };
}

/** What stands before the first character of an operator, and the rest. */
export function splitAtOperator(text: string): readonly [string, string] {
  const at = text.search(/[!<=>$]/);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}
