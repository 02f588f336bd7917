/**
 * Keeps the heap small where many long lists are read: each leaves megabytes of garbage, and V8 by itself lets the heap
 * grow to several times what lives in it rather than collect. Short lists are not worth the time that collecting takes.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of lists in a run from which on memory is worth more than time. */
const MANY_BYTES = 512 * 1024;

let seen = 0;

/** Tells of a list that is about to be parsed. */
export function noteList(bytes: number): void {
  const before = seen;
  seen += bytes;
  if (before > MANY_BYTES || seen <= MANY_BYTES) return;
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=30');
}
