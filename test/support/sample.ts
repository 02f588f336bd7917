/** How much of what differs in little is tested: `npm test` takes one of each kind, `npm run test:catalogue` takes all. */
import { it } from 'vitest';

export const onlySample = process.env.EXTUPDATE_TEST_ALL === undefined;

/** A test that only the whole catalogue has. */
export const inFull: (name: string, test: () => void | Promise<void>) => void = onlySample ? () => {} : it;

/** CI takes every N-th of what is sampled, so that all of it stays within its time. */
const sparse = onlySample ? Number(process.env.EXTUPDATE_TEST_SPARSE ?? 1) : 1;
let taken = 0;

/** Whether time is short: of several that try the same in another place, one has to do. */
export const inShortTime = sparse > 1;

/** Whether this one of many checks of the same kind is made. */
export function isTaken(): boolean {
  return taken++ % sparse === 0;
}
