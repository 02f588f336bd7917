import { defineConfig } from 'vitest/config';
import { MixedOrder } from './test/support/mixed-order.ts';

// Node reads the file of this variable at every start, which takes as long as all else that a small run does. Tests bring
// authorities of their own; only npm needs it, and has run.
delete process.env.NODE_EXTRA_CA_CERTS;

const project = (name: string, timeout: number, extra: object = {}) => ({
  // A run that ended otherwise than expected is shown with all that it said.
  test: {
    name,
    chaiConfig: { truncateThreshold: 0 },
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: timeout,
    hookTimeout: timeout,
    // Half of the time of small files is loading what all of them use.
    isolate: false,
    ...extra,
  },
});

export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts'],
    // End-to-end tests, and those that start programs, mostly wait: on two cores vitest would run one file at a time.
    maxWorkers: 5,
    sequence: { sequencer: MixedOrder },
    projects: [
      project('unit', 20_000),
      project('integration', 60_000),
      project('catalogue', 60_000),
      project('conformance', 60_000),
      project('fuzz', 60_000),
      // Hosts are booted; each file boots its own and runs its tests in order.
      project('e2e', 240_000, { isolate: true }),
    ],
  },
});
