/**
 * How systemd comes to see one version of an image, and under which name. The name matters: a release file in the image
 * loads only under names that go with it.
 */
import { isSearchDirectory } from '../definition/kind.ts';
import type { Transfer } from '../types.ts';
import { directoryDepth } from '../version/pattern.ts';

export type Exposure =
  /** `NAME.raw.v/`: vpick takes the best visible file. */
  | { readonly how: 'versioned-directory'; readonly suffix: string }
  /** `CurrentSymlink=`; `inSearchDirectory` when the versions themselves would be seen as extensions too. */
  | { readonly how: 'symlink'; readonly link: string; readonly inSearchDirectory: boolean }
  /** A search directory of systemd: every visible file is an extension of its own. */
  | { readonly how: 'search-directory' }
  /** Nothing of systemd looks there. */
  | { readonly how: 'none' };

/** The hidden directory, inside a target directory, for versions that systemd must not see. */
export const PARKED = '.parked';

/** How the versions of a transfer become visible. */
export function exposureOf(transfer: Transfer): Exposure {
  const { path, currentSymlink, patterns } = transfer.target;
  // systemd looks at what is in the directory itself only.
  const isNested = patterns[0] !== undefined && directoryDepth(patterns[0]) > 0;
  const searched = !isNested && isSearchDirectory(path);
  if (currentSymlink !== undefined) return { how: 'symlink', link: currentSymlink, inSearchDirectory: searched };
  const last = path.slice(path.lastIndexOf('/') + 1);
  const versioned = /^.+?(\.raw|\.img|)\.v$/.exec(last);
  if (versioned && !isNested) return { how: 'versioned-directory', suffix: versioned[1] ?? '' };
  return searched ? { how: 'search-directory' } : { how: 'none' };
}

/** The name under which systemd knows the image: what follows `extension-release.` unless the image is not strict. */
export function imageNameOf(transfer: Transfer, fileName: string): string {
  const exposure = exposureOf(transfer);
  switch (exposure.how) {
    case 'versioned-directory':
      return withoutSuffix(
        transfer.target.path.slice(transfer.target.path.lastIndexOf('/') + 1).slice(0, -'.v'.length),
      );
    case 'symlink':
      return withoutSuffix(exposure.link.slice(exposure.link.lastIndexOf('/') + 1));
    case 'search-directory':
    case 'none':
      return withoutSuffix(fileName);
  }
}

/** Where a new file is put: out of sight where a visible file would be an extension at once. */
export function installsParked(transfer: Transfer): boolean {
  const exposure = exposureOf(transfer);
  return (
    exposure.how === 'versioned-directory' ||
    exposure.how === 'search-directory' ||
    (exposure.how === 'symlink' && exposure.inSearchDirectory)
  );
}

function withoutSuffix(fileName: string): string {
  return fileName.replace(/\.raw$/, '').replace(/\.(sysext|confext)$/, '');
}
