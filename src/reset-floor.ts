/**
 * `reset-floor`: forgets what was seen of a component's sources, so that an older list, or an emptied one, is accepted
 * again: the way back after a publisher really went back (TUF calls it fast-forward recovery). Nothing is downgraded.
 */
import { withLocks } from './locks.ts';
import { rememberRun } from './remember.ts';
import { forgetSource } from './source/source-memory.ts';
import { sourceTraits } from './source/source-types.ts';
import type { System } from './system.ts';
import type { DoneAction, UpdateResult } from './work.ts';

/** Forgets what is known of all sources of the selected components. @throws BusyError, StorageError */
export async function resetFloor(system: System, options: { readonly dryRun: boolean }): Promise<UpdateResult> {
  const { root } = system.options;
  const forget = async () => {
    const done: DoneAction[] = [];
    for (const { name, transfers } of system.definitions.components) {
      const urls = transfers.filter(({ source }) => sourceTraits[source.type].at === 'url');
      for (const url of new Set(urls.map(({ source }) => source.path))) {
        if (!(await forgetSource(root, url, options.dryRun))) continue;
        done.push({ component: name, action: 'forget', version: url, from: null });
      }
    }
    return { resolutions: [], plans: [], done, errors: [] };
  };
  if (options.dryRun) return forget();
  return withLocks(system, ['root'], 'reset-floor', async () => {
    const result = await forget();
    await rememberRun(system, 'reset-floor', result);
    return result;
  });
}
