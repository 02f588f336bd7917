/** Finds an extension in a repository: which list has it, who signed that, and how its images are named. */

import { overrideBaseUrl } from '../definition/config.ts';
import { NetworkError, UnsuitableError, UsageError } from '../errors.ts';
import { displayUrl, urlOf } from '../fetch/url.ts';
import { didYouMean, nearNames } from '../near-names.ts';
import { type Offering, type OfferingHints, offeringsOf } from '../source/offerings.ts';
import { type ListedManifest, NoListError } from '../source/repository.ts';
import { signaturePolicy } from '../source/signature-policy.ts';
import type { System } from '../system.ts';
import type { ExtensionSettings } from '../types.ts';
import { usableKeys } from '../verify/trusted-keys.ts';
import { lastDirectory } from './repository-url.ts';

/** How a list is read: verified with the keys and settings of a component, or as the server gives it. */
export interface ListTrust {
  readonly component: string;
  readonly settings: ExtensionSettings;
  readonly verify: boolean;
}

export interface FoundOffering {
  /** The directory, without a slash at its end. */
  readonly url: string;
  readonly list: ListedManifest;
  /** All that the list offers. */
  readonly offerings: readonly Offering[];
  /** The one that was asked for. */
  readonly offering: Offering;
}

/** Reads the list of a directory. @returns undefined when there is none @throws as the repository does */
export async function readList(system: System, url: string, trust: ListTrust): Promise<ListedManifest | undefined> {
  const { config, now, options, repository, keys } = system;
  const policy = signaturePolicy(trust.settings, config, now);
  const verify = {
    keys: async () => usableKeys(await keys.of({ name: trust.component, settings: trust.settings })),
    policy,
    notice: (text: string) => options.reporter.notice('', text),
  };
  try {
    return await repository.manifest(overrideBaseUrl(url, config), trust.verify ? verify : undefined, now);
  } catch (error) {
    if (error instanceof NoListError) return undefined;
    throw error;
  }
}

/** What names are looked at for. */
export function hintsFor({ host }: System, known: readonly string[]): OfferingHints {
  const { architecture, fields } = host.release;
  return { known, architecture, osVersion: fields.VERSION_ID ?? '' };
}

/**
 * Finds an extension in the list of a directory, or in that of the directory below it that has its name: publishers with
 * a directory for each extension often have a list of all of them above, which is longer and mixes up names.
 * @throws UsageError when it is not there, UnsuitableError when it is for other machines; NetworkError, TrustError, ...
 */
export async function findOffering(
  system: System,
  url: string,
  name: string,
  trust: ListTrust,
): Promise<FoundOffering> {
  const here = await readList(system, url, trust);
  const offered = here && offeringsIn(system, url, here, name);
  const isAlone = offered?.every(({ extension }) => extension === name) === true && offered.length > 0;
  const below = isAlone || lastDirectory(url) === name ? undefined : urlOf(url, name);
  const list = below === undefined ? undefined : await readBelow(system, below, trust, here !== undefined);
  const offeredBelow = list && below !== undefined ? offeringsIn(system, below, list, name) : undefined;
  if (list && below !== undefined && offeredBelow?.some(({ extension }) => extension === name)) {
    return { url: below, list, offerings: offeredBelow, offering: choose(system, below, offeredBelow, name) };
  }
  if (!here || !offered) throw noList(url, below);
  return { url, list: here, offerings: offered, offering: choose(system, url, offered, name) };
}

/** Where the list above is good, that the one below cannot be read matters to nobody. */
async function readBelow(system: System, url: string, trust: ListTrust, isOptional: boolean) {
  try {
    return await readList(system, url, trust);
  } catch (error) {
    if (isOptional && error instanceof NetworkError) return undefined;
    throw error;
  }
}

function offeringsIn(system: System, url: string, { manifest }: ListedManifest, name: string): Offering[] {
  return offeringsOf(manifest.entries.keys(), hintsFor(system, [name, lastDirectory(url)]));
}

/** Of several ways in which its images are named, the one with the newest for this machine. */
function choose(system: System, url: string, offerings: readonly Offering[], name: string): Offering {
  const mine = offerings.filter(({ extension }) => extension === name);
  if (mine.length === 0) throw notThere(url, offerings, name);
  const { architecture } = system.host.release;
  const [fitting] = mine.filter(({ architectures }) => isFor(architectures, architecture));
  if (fitting) return fitting;
  const others = [...new Set(mine.flatMap(({ architectures }) => architectures))].join(', ');
  throw new UnsuitableError(`${displayUrl(url)}: has ${name} for ${others} only, and this machine is ${architecture}`, {
    next: 'ask the publisher for images for this architecture; --arch= is for the trees of other machines',
  });
}

/** Whether names that tell of these architectures are for a machine. */
export function isFor(architectures: readonly string[], architecture: string): boolean {
  return architectures.length === 0 || architectures.some((one) => one === architecture || one === '_any');
}

function notThere(url: string, offerings: readonly Offering[], name: string): UsageError {
  const names = [...new Set(offerings.map(({ extension }) => extension))];
  const near = nearNames(name, names);
  const some = names.slice(0, 12).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '');
  return new UsageError(`${displayUrl(url)}: has no extension ${name}${didYouMean(name, names)}`, {
    next:
      names.length === 0
        ? 'its list names no images of extensions (NAME_VERSION.raw and the like): is it another repository?'
        : near.length > 0
          ? `"extupdate search --url=${displayUrl(url)}" lists what it has`
          : `it has ${some}`,
  });
}

function noList(url: string, below: string | undefined): NetworkError {
  const tried = [url, below].flatMap((one) => (one === undefined ? [] : `${displayUrl(one)}/SHA256SUMS`));
  return new NoListError(
    `${displayUrl(url)}: no repository: there is no ${tried.join(' and no ')} (not found, or a web page)`,
    {
      next: 'the URL has to be that of the directory with SHA256SUMS in it, as it stands in Path= of a definition',
    },
  );
}
