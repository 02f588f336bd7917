/** Deployments of ostree, as rpm-ostree and bootc make them: one directory for each OS that the boot menu offers. */
import { entriesOf } from '../bounded-file.ts';
import { type Discovery, type FoundOs, problemText } from './found-os.ts';
import { readTreeRelease } from './tree-release.ts';

/** `/ostree` is a link to the second on most hosts, and missing on some. */
const PLACES = ['/ostree/deploy', '/sysroot/ostree/deploy'];

/** `CHECKSUM.SERIAL`. Beside the directory of a deployment lies a file with the same name and `.origin`. */
const DEPLOYMENT = /^[0-9a-f]+\.[0-9]+$/;

/**
 * The deployments of all stateroots, ordered by name; staged ones too, which are complete before the reboot.
 * @returns undefined where ostree has no deployments directory
 */
export function findDeployments(root: string): Discovery | undefined {
  const found: FoundOs[] = [];
  const problems: string[] = [];
  for (const place of PLACES) {
    const stateroots = directoriesIn(root, place, problems);
    for (const stateroot of stateroots ?? []) {
      const deployments = `${place}/${stateroot}/deploy`;
      for (const name of directoriesIn(root, deployments, problems) ?? []) {
        if (DEPLOYMENT.test(name)) lookInto(root, `${deployments}/${name}`, name, found, problems);
      }
    }
    if (stateroots) return { found, problems };
  }
  return undefined;
}

function lookInto(root: string, osRoot: string, deployment: string, found: FoundOs[], problems: string[]): void {
  try {
    const { fields, path } = readTreeRelease(root, osRoot);
    found.push({ fields, deployment, origin: 'ostree', where: osRoot + path, osRoot });
  } catch (error) {
    problems.push(problemText(error));
  }
}

/** Names of real directories, as ostree takes them; undefined where there is no such place, none where it is unreadable. */
function directoriesIn(root: string, path: string, problems: string[]): string[] | undefined {
  try {
    const entries = entriesOf(root, path);
    return entries?.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    problems.push(problemText(error));
    return [];
  }
}
