/** Which failures are worth another attempt, and when. */
import { setTimeout } from 'node:timers/promises';
import type { HttpClient } from './http.ts';
import { RequestError } from './request-error.ts';

/** Attempts after the first one: for payloads, and for the small files that somebody may be waiting for. */
export const PAYLOAD_RETRIES = 4;
const SMALL_RETRIES = 2;
/** Longest pause between two attempts, in milliseconds, but for what a server asks for. */
const LONGEST_PAUSE = 30_000;
/** Seconds of waiting that are worth a word. */
const LONG_WAIT_SEC = 5;

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether the last attempt got somewhere: then it does not count as failed. */
  readonly isProgress?: () => boolean;
  readonly retries?: number;
}

/**
 * Runs an operation again while it fails with a retryable {@link RequestError}, within `limits` of the client.
 */
export async function withRetries<T>(
  { limits, notice }: Pick<HttpClient, 'limits' | 'notice'>,
  operation: () => Promise<T>,
  { signal, isProgress = () => false, retries = SMALL_RETRIES }: RetryOptions = {},
): Promise<T> {
  const { default: pRetry } = await import('p-retry');
  let waitedSec = 0;
  let fruitlessSince = performance.now();
  return pRetry(operation, {
    retries,
    minTimeout: limits.retrySec * 1000,
    maxTimeout: LONGEST_PAUSE,
    randomize: true,
    ...(signal ? { signal } : {}),
    shouldConsumeRetry: () => !isProgress(),
    shouldRetry: async ({ error }) => {
      if (!(error instanceof RequestError && error.retryable)) return false;
      if (isProgress()) fruitlessSince = performance.now();
      if (performance.now() - fruitlessSince > limits.retryTimeoutSec * 1000) return false;
      const askedSec = error.retryAfter ?? 0;
      if (waitedSec + askedSec > limits.retryAfterMaxSec) return false;
      if (askedSec === 0) return true;
      if (askedSec >= LONG_WAIT_SEC) notice(`${error.message}; waiting`);
      await setTimeout(askedSec * 1000, undefined, signal ? { signal } : {});
      waitedSec += askedSec;
      // The server's wish, and no lack of fruit.
      fruitlessSince += askedSec * 1000;
      return true;
    },
  });
}
