import type { PublishOptions } from '../../src/publish.ts';

/** What the command line says where nothing is said, but for the signature. */
export const publishDefaults = {
  sidecars: true,
  acceptRepublished: false,
  allowUnsuitable: [],
  renew: false,
  dryRun: false,
  waitSec: 0,
  now: () => new Date(),
} satisfies Partial<PublishOptions>;
