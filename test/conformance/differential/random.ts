/** Numbers that look random and are the same for the same seed, on every machine. */

export interface Random {
  /** A number from 0 to `limit - 1`. */
  below(limit: number): number;
  /** True once in `of` times. */
  once(of: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** Like {@link pick}, each value as often as its weight says. */
  weighted<T>(values: readonly (readonly [number, T])[]): T;
  /** So many of the values, in an order of their own. */
  some<T>(values: readonly T[], count: number): T[];
}

/** Makes a source of numbers (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  // Seeds beside each other begin alike.
  for (let i = 0; i < 4; i++) next();
  const below = (limit: number) => Math.floor(next() * limit);
  const pick = <T>(values: readonly T[]): T => {
    const value = values[below(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  };
  return {
    below,
    pick,
    once: (of) => below(of) === 0,
    weighted(values) {
      let at = below(values.reduce((sum, [weight]) => sum + weight, 0));
      for (const [weight, value] of values) {
        at -= weight;
        if (at < 0) return value;
      }
      throw new Error('nothing to pick from');
    },
    some(values, count) {
      const left = [...values];
      return Array.from({ length: Math.min(count, left.length) }, () => left.splice(below(left.length), 1)).flat();
    },
  };
}
