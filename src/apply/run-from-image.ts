/** Runs a program out of an image that systemd has not merged, on the host as it is. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandResult, runCommand } from '../os/run-command.ts';
import { pointsToUnmount } from '../os/underlay.ts';
import { SCRATCH_PARENT, type TestImage } from './test-merge.ts';

/** The script's own status: the image cannot be mounted. */
const NOT_MOUNTED = 90;

/** Unmounts what hides the image, mounts it, runs the program; everything ends with the mount namespace. */
const SCRIPT = `
while [ "$1" != -- ]; do umount -l "$1" || exit ${NOT_MOUNTED}; shift; done
mount -o "$2" "$3" "$4" || exit ${NOT_MOUNTED}
shift 4
exec "$@"
`;

/**
 * @param argvIn gives the program and its arguments, from the path where the image is mounted
 * @returns undefined when it cannot be mounted: not every image is a file system that the kernel finds by itself
 */
export async function runFromImage(
  image: TestImage,
  argvIn: (place: string) => readonly string[],
  timeoutMs: number,
): Promise<CommandResult | undefined> {
  await mkdir(SCRATCH_PARENT, { recursive: true });
  const place = await mkdtemp(join(SCRATCH_PARENT, 'image.'));
  try {
    const mount = [image.isTree ? 'bind' : 'ro,loop', image.path, place];
    const words = [
      '-m',
      '--propagation',
      'private',
      'sh',
      '-c',
      SCRIPT,
      'sh',
      ...pointsToUnmount([image.path]),
      '--',
      ...mount,
    ];
    const result = await runCommand(['unshare', ...words, ...argvIn(place)], { timeoutMs });
    return result.missing || result.status === NOT_MOUNTED ? undefined : result;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
