/** Which failures are worth another attempt, and when. */
import type { RequestError } from './http.ts';

/** Attempts after the first one: for payloads, and for the small files that somebody may be waiting for. */
export const PAYLOAD_RETRIES = 4;
const SMALL_RETRIES = 2;
/** Milliseconds: the first pause, doubled each time with jitter, and the longest. */
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 30_000;
/** Longest `Retry-After:` that is waited for, in seconds; longer ones are left to the next run. */
const RETRY_AFTER_MAX = 60;

/**
 * Runs an operation again while it fails with a retryable {@link RequestError}.
 * `isProgress` tells whether the last attempt got somewhere: then the count starts anew.
 */
export async function withRetries<T>(
  operation: () => Promise<T>,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly isProgress?: () => boolean;
    readonly retries?: number;
  } = {},
): Promise<T> {
  const { default: pRetry } = await import('p-retry');
  return pRetry(operation, {
    retries: options.retries ?? SMALL_RETRIES,
    minTimeout: FIRST_PAUSE,
    maxTimeout: LONGEST_PAUSE,
    randomize: true,
    ...(options.signal ? { signal: options.signal } : {}),
    shouldConsumeRetry: () => options.isProgress?.() !== true,
    shouldRetry: ({ error }) => isRetryable(error) && (error.retryAfter ?? 0) <= RETRY_AFTER_MAX,
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (!isRetryable(error) || retriesLeft === 0 || !error.retryAfter || error.retryAfter > RETRY_AFTER_MAX) return;
      await new Promise((resolve) => setTimeout(resolve, (error.retryAfter ?? 0) * 1000));
    },
  });
}

function isRetryable(error: unknown): error is RequestError {
  return error instanceof Error && (error as RequestError).retryable === true;
}
