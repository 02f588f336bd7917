/** A cap on bytes per second, shared by all downloads of a run. */
import { setTimeout } from 'node:timers/promises';

export interface RateLimiter {
  /** Waits until `bytes` more may have been received. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** @param bytesPerSecond more than 0 */
export function createRateLimiter(bytesPerSecond: number, now: () => number = () => performance.now()): RateLimiter {
  let freeAt = now();
  return {
    async take(bytes, signal) {
      freeAt = Math.max(freeAt, now() - 1000) + (bytes / bytesPerSecond) * 1000;
      const wait = freeAt - now();
      if (wait > 0) await setTimeout(wait, undefined, signal ? { signal } : {});
    },
  };
}
