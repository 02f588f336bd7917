/** The sources of a run, by the `Type=` of a definition. */
import type { Transfer } from '../types.ts';
import { createLocalSource } from './local-source.ts';
import { createRepositorySource, type RepositorySourceOptions } from './repository-source.ts';
import type { Source } from './source.ts';
import { sourceTraits } from './source-types.ts';

export interface Sources {
  /** Where the versions of a transfer come from. */
  of(transfer: Pick<Transfer, 'source'>): Source;
  /** SHA-256 of what this run downloads or has downloaded. */
  readonly wanted: ReadonlyMap<string, unknown>;
}

/**
 * @param options.root '' or the directory of `--root=`
 * @param options.transferSource directory of `--transfer-source=`, outside the root
 */
export function createSources(
  options: RepositorySourceOptions & { readonly root: string; readonly transferSource?: string | undefined },
): Sources {
  const downloads = new Map<string, Promise<boolean>>();
  const remote = createRepositorySource(options, downloads);
  const local = createLocalSource(options.root, options.transferSource);
  return {
    of: ({ source }) => {
      const { at, form } = sourceTraits[source.type];
      return at === 'url' ? remote(form) : local(form);
    },
    wanted: downloads,
  };
}
