/** Finds the guilty among new things that fail together, with few tries: in halves. Pure but for the test it is given. */

export interface Isolated<T> {
  readonly good: readonly T[];
  readonly guilty: readonly T[];
}

/**
 * Splits candidates into those that work together and those that do not.
 * @param works whether a set of candidates works, beside whatever is there anyway; asked O(guilty x log n) times
 */
export async function isolate<T>(
  candidates: readonly T[],
  works: (set: readonly T[]) => Promise<boolean>,
): Promise<Isolated<T>> {
  const good: T[] = [];
  const guilty: T[] = [];
  const admit = async (group: readonly T[]): Promise<void> => {
    if (group.length === 0) return;
    if (await works([...good, ...group])) {
      good.push(...group);
      return;
    }
    if (group.length === 1) {
      guilty.push(...group);
      return;
    }
    const middle = Math.ceil(group.length / 2);
    await admit(group.slice(0, middle));
    await admit(group.slice(middle));
  };
  await admit(candidates);
  return { good, guilty };
}
