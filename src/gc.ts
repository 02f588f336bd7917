/** `gc`: removes what nothing needs, and tells for every file why it stays. */
import { decideForComponent, foreignComponents, forgetOses, removeLeftovers, removeUnneeded } from './apply/prune.ts';
import { isTurnedOff } from './definition/features.ts';
import { underAll } from './each-work.ts';
import { type ErrorReport, reportOf } from './errors.ts';
import { withLocks } from './locks.ts';
import { collectNeeds } from './needs.ts';
import { readState, writeState } from './os/state.ts';
import { rememberRun } from './remember.ts';
import type { System } from './system.ts';
import { instancePath } from './target/paths.ts';
import type { DoneAction, KeptFile, UpdateResult } from './work.ts';

/** Removes what nothing needs; with `dryRun` only says what it would do. */
export async function collectGarbage(
  system: System,
  dryRun: boolean,
): Promise<Pick<UpdateResult, 'done' | 'errors'> & { kept: KeptFile[] }> {
  const run = async () => {
    const state = readState(system.options.root, !dryRun);
    const done: DoneAction[] = [];
    const kept: KeptFile[] = [];
    const errors: (ErrorReport & { component: string })[] = [];
    const needs = await collectNeeds(system, state);
    // What features turn off keeps all it has.
    const managed = system.definitions.components.filter((component) => !isTurnedOff(component));
    const components = [...managed, ...foreignComponents(system, needs)];
    const works = components.map((component) => ({ survey: { component } }));
    await underAll(system, works, async (place) => {
      for (const component of components) {
        try {
          const decisions = dryRun
            ? await decideForComponent(system, state, place, component, needs)
            : await removeUnneeded(system, state, place, component, needs, done);
          for (const { transfer, instance, keep, reason } of decisions) {
            kept.push({ component: component.name, path: instancePath(transfer, instance), keep, reason });
          }
        } catch (error) {
          errors.push({ component: component.name, ...reportOf(error) });
        }
      }
    });
    if (!dryRun) {
      await removeLeftovers(system);
      if (errors.length === 0) await forgetOses(system, state, needs);
      await writeState(system.options.root, state);
      await rememberRun(system, 'gc', { done, errors });
    }
    return { done, errors, kept };
  };
  return dryRun ? run() : withLocks(system, ['root', 'staging'], 'gc', run);
}
