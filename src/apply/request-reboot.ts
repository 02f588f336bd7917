/** Asks for a reboot, in the way that reboot managers look for (kured, locksmith, Debian's tools). */
import { writeFile } from 'node:fs/promises';
import type { System } from '../system.ts';
import type { Work } from '../work.ts';
import { mergesHere } from './activate-set.ts';

const FLAG = '/run/reboot-required';

/** Touches the flag, and says for what. A flag that cannot be written is told and no failure: the next boot comes. */
export async function requestReboot(system: System, works: readonly Work[]): Promise<void> {
  for (const { plan, survey } of works) {
    system.options.reporter.notice(survey.component.name, `${plan?.version} becomes active at the next boot`);
  }
  if (!mergesHere(system)) return;
  try {
    await writeFile(FLAG, '*** System restart required ***\n');
  } catch (error) {
    system.options.reporter.warning('', `${FLAG} cannot be written: ${(error as Error).message}`);
  }
}
