/**
 * Whose a file in a target directory is. Patterns of two transfers may both match a name (`docker-@v.raw` and
 * `docker-compose-@v.raw` in one directory): it belongs to the one with more literal text. Pure.
 */
import type { Transfer } from '../types.ts';
import { literalLength, matchPattern, matchPatterns, type PatternFields } from '../version/pattern.ts';

/** The fields of a name that belongs to the transfer; undefined for names of others. */
export function matchOwn(transfer: Transfer, name: string): PatternFields | undefined {
  const own = transfer.target.patterns.filter((pattern) => matchPattern(pattern, name) !== undefined);
  if (own.length === 0) return undefined;
  const weight = Math.max(...own.map(literalLength));
  const lost = transfer.rivals.some(
    (rival) => literalLength(rival) > weight && matchPattern(rival, name) !== undefined,
  );
  return lost ? undefined : matchPatterns(transfer.target.patterns, name);
}
