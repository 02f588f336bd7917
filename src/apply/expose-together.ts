/** Makes a version of a component visible, with all its transfers or with none. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { reportOf, StorageError } from '../errors.ts';
import { resolveInRoot } from '../os/root.ts';
import { PARKED } from '../resolve/exposure.ts';
import type { System } from '../system.ts';
import type { ExposeStep } from './activate-set.ts';
import { expose } from './expose.ts';

/** All transfers of a component change, or none does. */
export async function exposeTogether(system: System, place: string, steps: readonly ExposeStep[]): Promise<void> {
  const { architecture } = system.host.release;
  const changed: ExposeStep[] = [];
  try {
    for (const step of steps) {
      requireFile(place, step);
      changed.push(step);
      await expose(place, step.transfer, step.fileName, architecture);
    }
  } catch (error) {
    for (const { transfer, previous } of changed) {
      await expose(place, transfer, previous, architecture).catch((failure: unknown) => {
        const text = `${previous ?? 'nothing'} could not be made visible again: ${reportOf(failure).message}`;
        system.options.reporter.notice('', text);
      });
    }
    throw error;
  }
}

/** A link to nothing would be worse than what is visible now. */
function requireFile(place: string, { transfer, fileName }: ExposeStep): void {
  const { path } = transfer.target;
  if ([path, join(path, PARKED)].some((directory) => existsSync(resolveInRoot(place, join(directory, fileName)))))
    return;
  throw new StorageError(`${join(path, fileName)}: is not there any more`, { next: 'run extupdate apply again' });
}
