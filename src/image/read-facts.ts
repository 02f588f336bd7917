/** What decides whether an image fits, read out of its file tree. */
import { UnsuitableError } from '../errors.ts';
import { parseRelease } from '../resolve/os-release.ts';
import { parseBoolean } from '../syntax.ts';
import type { ImageFacts, ReleaseFile } from '../types.ts';
import type { ImageFileSystem } from './image-file-system.ts';

/** Release files have a few hundred bytes. */
const RELEASE_SIZE_MAX = 64 * 1024;
/** Release files in one image; one is usual. */
const RELEASES_MAX = 32;
const PREFIX = 'extension-release.';

/** Where each class keeps its release files (systemd-sysext(8), systemd-confext(8)). */
const DIRECTORIES = { sysext: 'usr/lib/extension-release.d', confext: 'etc/extension-release.d' } as const;

/**
 * Reads the release files of an image. An image that cannot be read is a fact too: `defect` says why.
 * @param open opens the file tree; its UnsuitableError becomes the defect
 * @param origin where the image is
 */
export async function readImageFacts(
  open: () => Promise<ImageFileSystem>,
  origin: 'image' | 'remote',
): Promise<ImageFacts> {
  try {
    const tree = await open();
    const [sysext, confext, osRelease] = await Promise.all([
      readReleases(tree, DIRECTORIES.sysext),
      readReleases(tree, DIRECTORIES.confext),
      tree.readDirectory('usr/lib'),
    ]);
    return { origin, sysext, confext, hasOsRelease: osRelease?.includes('os-release') ?? false };
  } catch (error) {
    if (!(error instanceof UnsuitableError)) throw error;
    return { origin, sysext: [], confext: [], hasOsRelease: false, defect: error.message };
  }
}

async function readReleases(tree: ImageFileSystem, directory: string): Promise<ReleaseFile[]> {
  const names = (await tree.readDirectory(directory)) ?? [];
  const releases: ReleaseFile[] = [];
  for (const name of names.filter((candidate) => candidate.startsWith(PREFIX)).slice(0, RELEASES_MAX)) {
    const path = `${directory}/${name}`;
    const content = await tree.readFile(path, RELEASE_SIZE_MAX);
    if (!content) continue;
    const xattr = await tree.readXattr(path, 'user.extension-release.strict');
    const strict = xattr === undefined ? undefined : parseBoolean(xattr.replace(/\0$/, ''));
    releases.push({
      suffix: name.slice(PREFIX.length),
      fields: parseRelease(content.toString('utf8')),
      ...(strict === undefined ? {} : { strict }),
    });
  }
  return releases;
}
