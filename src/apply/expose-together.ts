/** Makes a version of a component visible, with all its transfers or with none. */
import type { System } from '../system.ts';
import type { ExposeStep } from './activate-set.ts';
import { expose } from './expose.ts';

/** All transfers of a component change, or none does. */
export async function exposeTogether(system: System, place: string, steps: readonly ExposeStep[]): Promise<void> {
  const { architecture } = system.host.release;
  const changed: ExposeStep[] = [];
  try {
    for (const step of steps) {
      changed.push(step);
      await expose(place, step.transfer, step.fileName, architecture);
    }
  } catch (error) {
    for (const { transfer, previous } of changed) await expose(place, transfer, previous, architecture).catch(() => {});
    throw error;
  }
}
