/**
 * Merges a set of images in a scratch root, in a mount namespace of its own, before systemd gets to see them: one image
 * that systemd cannot take makes `systemd-sysext refresh` fail for all of them. The host's merge is not touched.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLine, runCommand } from '../os/run-command.ts';
import { pointsToUnmount } from '../os/underlay.ts';
import type { HostRelease } from '../types.ts';

export interface TestImage {
  /** Name under which systemd will see it, without `.raw`. */
  readonly name: string;
  /** Path of the file or directory on this host. */
  readonly path: string;
  readonly isTree: boolean;
}

export type TestResult =
  | { readonly outcome: 'merged' }
  /** systemd did not take the set, or left `missing` out of it. */
  | { readonly outcome: 'refused'; readonly why: string; readonly missing: readonly string[] }
  /** The test cannot be made here. */
  | { readonly outcome: 'impossible'; readonly why: string };

/** Where scratch roots are made; on tmpfs. */
export const SCRATCH_PARENT = '/run/extupdate';

/** Extensions directory below the scratch root. */
const DIRECTORIES = { sysext: 'var/lib/extensions', confext: 'var/lib/confexts' } as const;

/** Unmounts what hides the images, binds them into the scratch root, merges; everything ends with the namespace. */
const SCRIPT = `
tool=$1; root=$2; shift 2
while [ "$1" != -- ]; do umount -l "$1" || exit 90; shift; done
shift
while [ $# -gt 0 ]; do mount --bind "$1" "$2" || exit 90; shift 2; done
exec "$tool" --root="$root" --no-reload merge
`;

/** Merges the images of one kind for a host. */
export async function testMerge(
  kind: 'sysext' | 'confext',
  images: readonly TestImage[],
  host: HostRelease,
): Promise<TestResult> {
  if (images.length === 0) return { outcome: 'merged' };
  await mkdir(SCRATCH_PARENT, { recursive: true });
  const scratch = await mkdtemp(join(SCRATCH_PARENT, 'test-merge.'));
  try {
    await mkdir(join(scratch, 'usr/lib'), { recursive: true });
    await mkdir(join(scratch, DIRECTORIES[kind]), { recursive: true });
    await writeFile(join(scratch, 'usr/lib/os-release'), renderRelease(host.fields));
    const pairs: string[] = [];
    for (const image of images) {
      const place = join(scratch, DIRECTORIES[kind], image.isTree ? image.name : `${image.name}.raw`);
      await (image.isTree ? mkdir(place) : writeFile(place, ''));
      pairs.push(image.path, place);
    }
    // The overlay of an older merge may not show what was written under it.
    const hidden = pointsToUnmount(images.map(({ path }) => path));
    const argv = ['-m', '--propagation', 'private', 'sh', '-c', SCRIPT, 'sh', `systemd-${kind}`, scratch];
    const result = await runCommand(['unshare', ...argv, ...hidden, '--', ...pairs]);
    return judge(result, images);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function judge(result: Awaited<ReturnType<typeof runCommand>>, images: readonly TestImage[]): TestResult {
  if (result.missing || result.status === 127 || result.status === 90) {
    return { outcome: 'impossible', why: lastLine(result) };
  }
  // Status 0 also covers images that were ignored; only the list of what is used tells.
  const output = `${result.stdout}\n${result.stderr}`;
  const used = /Using extensions? (.*)/.exec(output)?.[1] ?? '';
  const missing = images.filter(({ name }) => !used.includes(`'${name}'`) && !used.includes(`'${name}.raw'`));
  if (result.status === 0 && missing.length === 0) return { outcome: 'merged' };
  return { outcome: 'refused', why: lastLine(result), missing: missing.map(({ name }) => name) };
}

function renderRelease(fields: HostRelease['fields']): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}="${value.replace(/[\\"$`]/g, '\\$&')}"\n`)
    .join('');
}
