/** A difference between the two programs that has its reason. */
import type { Difference } from './compare.ts';
import type { Situation } from './situation.ts';

export interface IntendedDifference {
  readonly name: string;
  readonly reason: string;
  /** Whether it explains this difference: it says exactly when, and what extupdate does instead. */
  readonly explains: (difference: Difference, situation: Situation) => boolean;
}
