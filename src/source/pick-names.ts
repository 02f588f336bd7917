/** Which names of a listing are versions of a transfer. Pure. */
import { matchPattern, type Pattern, type PatternFields } from '../version/pattern.ts';

export interface PickedName {
  readonly name: string;
  readonly fields: PatternFields;
}

/**
 * The names that a pattern matches, one for each version. Of several with the same version the one that an earlier
 * pattern matches counts, then the one that sorts first, so the order of the listing never matters.
 */
export function pickNames(patterns: readonly Pattern[], names: Iterable<string>): PickedName[] {
  const best = new Map<string, PickedName & { readonly rank: number }>();
  for (const name of names) {
    let rank = 0;
    let fields: PatternFields | undefined;
    for (; rank < patterns.length && !fields; rank++) fields = matchPattern(patterns[rank] as Pattern, name);
    if (!fields) continue;
    const known = best.get(fields.version);
    if (known && (known.rank < rank || (known.rank === rank && known.name <= name))) continue;
    best.set(fields.version, { name, fields, rank });
  }
  return [...best.values()];
}
