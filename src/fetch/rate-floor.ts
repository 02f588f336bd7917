/** The least rate at which a server has to send: a slower one only seems to be alive. */
import type { NetworkLimits } from './limits.ts';

export interface RateFloor {
  /**
   * Counts what has arrived.
   * @param pausedMs how long since the last call this side did not want to receive
   * @returns whether the rate over the last whole interval was below the limit
   */
  isTooSlow(bytes: number, pausedMs: number): boolean;
}

/** @param now milliseconds of a clock that never jumps */
export function createRateFloor(
  { minRate, minRateIntervalSec }: Pick<NetworkLimits, 'minRate' | 'minRateIntervalSec'>,
  now: () => number = () => performance.now(),
): RateFloor {
  let since = now();
  let received = 0;
  return {
    isTooSlow(bytes, pausedMs) {
      received += bytes;
      since += pausedMs;
      const elapsedSec = (now() - since) / 1000;
      if (elapsedSec < minRateIntervalSec) return false;
      const tooSlow = received < minRate * elapsedSec;
      since = now();
      received = 0;
      return tooSlow;
    },
  };
}
