/**
 * How long, how slowly and how often a server may make a run wait. Settings of `extupdate.conf`; docs/limits.md lists
 * them beside those that are fixed.
 */
export interface NetworkLimits {
  /** Seconds to a connection, TLS included, for each address. */
  readonly connectTimeoutSec: number;
  /** Seconds without a sign of life: before the answer is there, and between two pieces of its body. */
  readonly stallTimeoutSec: number;
  /** Seconds for a list, signature or sidecar, or for a look into a remote image: all tries together. */
  readonly listTimeoutSec: number;
  /** Seconds for a payload, with everything: tries, pauses, and what `RateLimit=` takes. */
  readonly downloadTimeoutSec: number;
  /** Bytes per second that a payload has to come with, over `minRateIntervalSec`; 0 = any. */
  readonly minRate: number;
  readonly minRateIntervalSec: number;
  /** Seconds before the second try, doubled each time up to 30 s, with as much again at random. */
  readonly retrySec: number;
  /** Seconds since a try last brought something, after which none is begun. */
  readonly retryTimeoutSec: number;
  /** Seconds that a server may ask to wait with `Retry-After:`, for one file in all; more is left to a later run. */
  readonly retryAfterMaxSec: number;
}

export const defaultNetworkLimits: NetworkLimits = {
  connectTimeoutSec: 10,
  stallTimeoutSec: 30,
  listTimeoutSec: 60,
  // Below TimeoutStartSec= of extupdate-acquire.service, so that the program says what happened.
  downloadTimeoutSec: 4 * 3600,
  minRate: 1024,
  minRateIntervalSec: 300,
  retrySec: 0.4,
  retryTimeoutSec: 600,
  retryAfterMaxSec: 900,
};
