/** `check-new`: what systemd-sysupdate 262 answers under that name, for scripts that were written for it. */
import { exitStatus } from '../errors.ts';
import type { RunOptions } from '../system.ts';
import { check } from './commands.ts';
import { type JsonMode, printListing } from './print.ts';

/** As systemd-sysupdate has it: nothing newer and every failure alike. */
const NOTHING_NEW = 1;

/** Prints the version that there is to update to, of one component. @returns 0 when there is one, else 1 */
export async function checkNew(run: RunOptions, json: JsonMode): Promise<number> {
  const { components, errors } = await check(run);
  const available = components[0]?.candidate ?? null;
  const failed = errors.length > 0;
  const document = { available };
  await printListing({ document, errors, count: components.length }, failed ? 'off' : json, () => available ?? '');
  return available === null || failed ? NOTHING_NEW : exitStatus.done;
}
