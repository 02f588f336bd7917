/** Operations that have to end in time. */

/**
 * Runs an operation with a signal that ends it: when `signal` does, or when its time is up.
 * (AbortSignal.any() of AbortSignal.timeout() would be shorter; Node 20 may collect the timeout before it fires.)
 * @param expired makes the error that is thrown when the time is up
 */
export async function withDeadline<T>(
  seconds: number,
  signal: AbortSignal | undefined,
  expired: () => Error,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const forward = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', forward, { once: true });
  const timer = setTimeout(() => controller.abort(expired()), seconds * 1000);
  try {
    return await operation(controller.signal);
  } catch (error) {
    // What waits may fail in its own way when it is told to end.
    throw controller.signal.aborted && !signal?.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', forward);
  }
}
