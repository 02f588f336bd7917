/**
 * What is fuzzed: a target is a parser, its properties hold for whatever it is given. The short round in `npm test` and
 * the long one (`npm run fuzz`) check the same properties.
 */
import type fc from 'fast-check';

/** One property of any inputs; how many inputs it takes does not concern who checks it. */
export type AnyProperty = fc.IRawProperty<never, boolean>;

export interface FuzzProperty {
  readonly name: string;
  /** Cases of the short round. */
  readonly runs: number;
  readonly property: AnyProperty;
}

export interface FuzzTarget {
  /** As `--only=` has it. */
  readonly name: string;
  readonly properties: readonly FuzzProperty[];
}

/** A property under a name. @param runs cases of the short round */
export function holds<T>(name: string, runs: number, property: fc.IRawProperty<T, boolean>): FuzzProperty {
  return { name, runs, property: property as unknown as AnyProperty };
}

/** @throws Error that says so, unless the condition holds */
export function ensure(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

/**
 * Runs a parser that may refuse.
 * @param refusals the documented errors
 * @returns undefined where it refused
 * @throws whatever else it throws
 */
export function unlessRefused<T>(
  parse: () => T,
  ...refusals: readonly (abstract new (
    ...args: never
  ) => Error)[]
): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}
