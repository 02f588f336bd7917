/**
 * Where a run is about to replace the program itself: the new one is asked whether it works before anybody can see it,
 * out of its image, mounted where nobody else sees it. Whatever ends the run afterwards, what is left behind can go on.
 */
import { join } from 'node:path';
import type { State } from '../os/state.ts';
import type { System } from '../system.ts';
import type { DoneAction, Work } from '../work.ts';
import { type Candidate, candidatesOf, refuse } from './candidates.ts';
import { filesIn, mergedOwnFiles, type OwnFiles, tryProgram } from './own-program.ts';
import { runFromImage } from './run-from-image.ts';

/**
 * Refuses new versions of the program that do not run here; their components fail. What lies elsewhere in the new image,
 * or cannot be tried, is asked once it is merged.
 */
export async function rehearseOwnProgram(
  system: System,
  state: State,
  works: readonly Work[],
  done: DoneAction[],
): Promise<void> {
  const files = system.options.root === '' ? mergedOwnFiles() : undefined;
  if (!files) return;
  for (const candidate of works.flatMap((work) => candidatesOf(work, 'sysext', true))) {
    if (!candidate.isNew) continue;
    const why = await rehearse(system, candidate, files);
    if (why === undefined) continue;
    const message = `version ${candidate.work.plan?.version} does not run here: ${why}`;
    await refuse(system, state, candidate, { mark: `does not run here: ${why}`, message }, done);
  }
}

async function rehearse(system: System, { image }: Candidate, files: OwnFiles): Promise<string | undefined> {
  const brought = await filesIn(image.path, Object.values(files));
  if (!brought || brought.size === 0) return undefined;
  let isTried = true;
  const why = await tryProgram(system, files.program, async (words, timeoutMs) => {
    const argvIn = (place: string) => [
      ...[files.node, files.program].map((path) => (brought.has(path) ? join(place, path) : path)),
      ...words,
    ];
    const result = await runFromImage(image, argvIn, timeoutMs);
    isTried &&= result !== undefined;
    return result ?? { status: -1, stdout: '', stderr: '', missing: true };
  });
  return isTried ? why : undefined;
}
