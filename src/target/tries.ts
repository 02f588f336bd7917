/** Names that count how often a version was tried (automatic boot assessment, systemd.v(7)). Pure. */
import type { TransferTarget } from '../types.ts';
import type { PatternFields } from '../version/pattern.ts';

/** sysupdate.d(5): how often a new version may be tried where nothing is said. */
const TRIES_LEFT_DEFAULT = 3;

/** The counters of a new version: settings first, then what the source's name tells. */
export function newTries(
  { triesLeft, triesDone }: Pick<TransferTarget, 'triesLeft' | 'triesDone'>,
  fields: PatternFields,
): { readonly triesLeft: number; readonly triesDone: number } {
  return {
    triesLeft: triesLeft ?? fields.triesLeft ?? TRIES_LEFT_DEFAULT,
    triesDone: triesDone ?? fields.triesDone ?? 0,
  };
}
