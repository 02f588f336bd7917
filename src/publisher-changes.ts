/** What publishers have changed about versions that are here: taken back, or published again with other content. */
import { TrustError } from './errors.ts';
import { isOther } from './resolve/collect-versions.ts';
import type { Resolution } from './resolve/resolver.ts';
import { withdrawnVersions } from './resolve/withdrawn.ts';
import type { System } from './system.ts';
import type { Component, InstalledInstance, OfferedInstance } from './types.ts';

/** What is offered with another content than what was installed from it; a local source may change as it likes. */
export function markRepublished(
  system: System,
  component: Component,
  instance: OfferedInstance,
  installed: readonly InstalledInstance[],
): OfferedInstance {
  const { transferId, version } = instance;
  const here = installed.find((other) => other.transferId === transferId && other.version === version);
  if (!here || !isOther(instance, here) || !isPublished(system, component, transferId)) return instance;
  return system.options.acceptRepublished ? instance : { ...instance, republished: true };
}

/** The installed versions that their publishers do not list any more although they list older ones. */
export function withdrawnOf(
  system: System,
  component: Component,
  offered: readonly OfferedInstance[],
  installed: readonly InstalledInstance[],
): ReadonlySet<string> {
  const versions = component.transfers.flatMap(({ id }) => {
    const of = ({ transferId }: { readonly transferId: string }) => transferId === id;
    return isPublished(system, component, id) ? withdrawnVersions(offered.filter(of), installed.filter(of)) : [];
  });
  return new Set(versions);
}

/** Whether a transfer takes its versions from a publisher, who lists all there are. */
function isPublished(system: System, { transfers }: Component, transferId: string): boolean {
  const transfer = transfers.find(({ id }) => id === transferId);
  return transfer !== undefined && !system.sources.of(transfer).mayBeEmpty;
}

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
