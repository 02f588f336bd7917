/** The table of all switches. A new one is an entry in the group that it belongs to. */
import { bodies } from './bodies.ts';
import { connections } from './connections.ts';
import { copies } from './copies.ts';
import { cuts } from './cuts.ts';
import { encodings } from './encodings.ts';
import { headers } from './headers.ts';
import { lengths } from './lengths.ts';
import { pace } from './pace.ts';
import { ranges } from './ranges.ts';
import { redirects } from './redirects.ts';
import { statuses } from './statuses.ts';
import type { Switch } from './switch.ts';
import { tls } from './tls.ts';

/** Each group with its number in the fault catalogue. */
const groups: readonly (readonly [string, readonly Switch[]])[] = [
  ['H58', cuts],
  ['H75', pace],
  ['H61', lengths],
  ['H73', ranges],
  ['H65', redirects],
  ['H80', encodings],
  ['H72', statuses],
  ['H81', bodies],
  ['H–', headers],
  ['U147', copies],
  ['H58', connections],
  ['H83', tls],
];

export const switches: readonly (Switch & { readonly number: string })[] = groups.flatMap(([number, group]) =>
  group.map((one) => ({ number, ...one })),
);

/** @throws Error for a name that is not in the table */
export function findSwitch(name: string): Switch {
  const found = switches.find((one) => one.name === name);
  if (!found) throw new Error(`${name}: no such switch; --list prints all of them`);
  return found;
}
