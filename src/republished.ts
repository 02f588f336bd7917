/** What is said about installed versions that were published again with other content. */
import { TrustError } from './errors.ts';
import type { Resolution } from './resolve/resolver.ts';

/**
 * Why a run fails although what is installed stays: the version that it would take, or has taken, is not what it was.
 * @returns undefined when nothing that matters was published again
 */
export function republishedFailure({ component, versions, chosen }: Resolution): TrustError | undefined {
  const upTo = chosen ? versions.indexOf(chosen) + 1 : versions.length;
  for (const version of versions.slice(0, upTo)) {
    const instance = [...version.offered.values()].find(({ republished }) => republished);
    if (!instance || (version !== chosen && version.reason.code !== 'republished')) continue;
    const { name } = component;
    return new TrustError(
      `${name}: version ${version.version} was republished: ${instance.name} has another content than before`,
      { next: `nothing of it is taken; if the publisher means it, "extupdate apply ${name} --accept-republished"` },
    );
  }
  return undefined;
}
