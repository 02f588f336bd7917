/** "Did you mean": names that a person may have meant. Pure. */

/** Names that are offered at the most. */
const NEAR_MAX = 5;

/** Longest name that is measured: the work grows with the square. */
const LENGTH_MAX = 64;

/** The names nearest to a word, the best first; those that contain it, or have few letters wrong. */
export function nearNames(word: string, names: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  const ranked = [...new Set(names)].flatMap((name) => {
    const rank = distanceTo(wanted, name.toLowerCase());
    return rank === undefined ? [] : [{ name, rank }];
  });
  ranked.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
  return ranked.slice(0, NEAR_MAX).map(({ name }) => name);
}

/** `; did you mean A, B?`, or nothing. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const near = nearNames(word, names);
  return near.length > 0 ? `; did you mean ${near.join(', ')}?` : '';
}

/** Undefined for what is too far away. */
function distanceTo(wanted: string, name: string): number | undefined {
  if (wanted === '' || wanted.length > LENGTH_MAX || name.length > LENGTH_MAX) return undefined;
  const edits = editDistance(wanted, name);
  // One mistake in short words, one in three letters of longer ones.
  if (edits <= Math.max(1, Math.floor(Math.min(wanted.length, name.length) / 3))) return edits;
  const [short, long] = wanted.length < name.length ? [wanted, name] : [name, wanted];
  return short.length >= 3 && long.includes(short) ? long.length : undefined;
}

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      let least = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
      );
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && isSwapped) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
