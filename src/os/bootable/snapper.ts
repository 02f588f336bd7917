/**
 * Snapshots of the root file system that snapper manages, as on openSUSE MicroOS: transactional-update makes each OS
 * version a new one, and the boot menu offers all of them.
 */
import { entriesOf, readBoundedFile } from '../bounded-file.ts';
import { type Discovery, type FoundOs, problemText } from './found-os.ts';
import { readTreeRelease } from './tree-release.ts';

const SNAPSHOTS = '/.snapshots';

/** Of the `<userdata>` that tukit sets when it makes a snapshot and removes when that is complete. */
const IN_PROGRESS = /<key>\s*transactional-update-in-progress\s*<\/key>\s*<value>\s*yes\s*<\/value>/;

/**
 * The snapshots, newest number first. One that an update is still being written to is none yet; tukit removes it when
 * the update fails.
 * @returns undefined where there is no `/.snapshots`
 */
export function findSnapshots(root: string): Discovery | undefined {
  const found: FoundOs[] = [];
  const problems: string[] = [];
  try {
    const entries = entriesOf(root, SNAPSHOTS);
    if (entries === undefined) return undefined;
    const numbers = entries.filter((entry) => entry.isDirectory() && /^[1-9][0-9]{0,9}$/.test(entry.name));
    for (const { name } of numbers.sort((a, b) => Number(b.name) - Number(a.name))) {
      if (!isInProgress(root, name, problems)) lookInto(root, name, found, problems);
    }
  } catch (error) {
    problems.push(problemText(error));
  }
  return { found, problems };
}

/** Of a snapshot whose info.xml cannot be read, nobody can say so: it counts, since to forget an OS is the worse error. */
function isInProgress(root: string, number: string, problems: string[]): boolean {
  try {
    const bytes = readBoundedFile(root, `${SNAPSHOTS}/${number}/info.xml`);
    return bytes !== undefined && IN_PROGRESS.test(bytes.toString('utf8'));
  } catch (error) {
    problems.push(problemText(error));
    return false;
  }
}

function lookInto(root: string, number: string, found: FoundOs[], problems: string[]): void {
  const osRoot = `${SNAPSHOTS}/${number}/snapshot`;
  try {
    const { fields, path } = readTreeRelease(root, osRoot);
    found.push({ fields, deployment: number, origin: 'snapper', where: osRoot + path, osRoot });
  } catch (error) {
    problems.push(problemText(error));
  }
}
