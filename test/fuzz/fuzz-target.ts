/** Round after round of one target, until the time is over. */
import fc from 'fast-check';
import type { AnyProperty, FuzzTarget } from './target.ts';

export interface Progress {
  readonly cases: number;
  /** Milliseconds that the slowest case took. */
  readonly slowest: number;
  /** MiB that the process had at most. */
  readonly memory: number;
  /** The last round that ended. */
  readonly at: string;
}

/** Milliseconds that a round takes, roughly. */
const ROUND_MS = 1000;
/** A case that takes longer is a failure: hostile input must not keep a run busy. */
const SLOWEST_MAX_MS = 5000;

/**
 * Checks all properties in turn, each round with a seed of its own.
 * @param report called after every round
 * @returns exit status: 1 after the first failure
 */
export async function fuzzTarget(
  { name, properties }: FuzzTarget,
  seed: number,
  milliseconds: number,
  report: (progress: Progress & { failure?: string }) => void,
): Promise<number> {
  const ends = performance.now() + milliseconds;
  let cases = 0;
  let slowest = 0;
  const sizes = new Map(properties.map(({ name: title, runs }) => [title, runs]));
  for (let round = 0; round === 0 || performance.now() < ends; round++) {
    for (const { name: title, property } of properties) {
      const started = performance.now();
      const numRuns = sizes.get(title) ?? 1;
      const timed = timing(property, (took) => {
        slowest = Math.max(slowest, took);
      });
      const details = { numRuns, seed: seed + round, endOnFailure: false };
      const result = await fc.check(timed, details);
      cases += result.numRuns;
      const took = performance.now() - started;
      sizes.set(title, Math.max(1, Math.min(numRuns * 4, Math.round((numRuns * ROUND_MS) / Math.max(1, took)))));
      const failure = result.failed
        ? `${name}: ${title}: ${fc.defaultReportMessage(result)}`
        : slowest > SLOWEST_MAX_MS
          ? `${name}: ${title}: a case took ${slowest.toFixed(0)} ms, seed ${details.seed}`
          : undefined;
      const memory = Math.round(process.resourceUsage().maxRSS / 1024);
      report({ cases, slowest, memory, at: `${title}, round ${round}`, ...(failure === undefined ? {} : { failure }) });
      if (failure !== undefined) return 1;
      if (performance.now() >= ends) return 0;
    }
  }
  return 0;
}

/** The same property, which tells how long each case takes. */
function timing(property: AnyProperty, tell: (milliseconds: number) => void): AnyProperty {
  const done = <T>(started: number, result: T): T => {
    tell(performance.now() - started);
    return result;
  };
  return new Proxy(property, {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (key !== 'run') return method;
      return (...args: unknown[]) => {
        const started = performance.now();
        const result = method(...args);
        return result instanceof Promise ? result.then((one) => done(started, one)) : done(started, result);
      };
    },
  });
}
