/** Every OS that this machine, or the tree below `--root=`, can boot. */
import type { Discovery } from './found-os.ts';
import { findDeployments } from './ostree.ts';
import { findSnapshots } from './snapper.ts';
import { findUkis } from './uki.ts';

/**
 * Asks all discoverers. The running OS is usually among what is found; the same version may be found more than once.
 * @param root '' for this machine, or a directory without a trailing slash
 * @returns undefined when none answers: nobody knows which OSes there are (slots of Flatcar and RAUC are not mounted)
 */
export async function discoverBootable(root: string): Promise<Discovery | undefined> {
  const answers = [findSnapshots(root), findDeployments(root), await findUkis(root)].filter(
    (answer) => answer !== undefined,
  );
  if (answers.length === 0) return undefined;
  return { found: answers.flatMap(({ found }) => found), problems: answers.flatMap(({ problems }) => problems) };
}
