/**
 * What the sources of this host offer, defined or not. The lists of all sources are read, and, where a source is the
 * directory of a single extension, that of the directory above: Flatcar and Fedora have a list of all extensions there.
 * Nothing is installed by that, so a list above that is not there, or not signed as the source's own is, is passed over.
 */
import { hintsFor, isFor, type ListTrust, readList } from './add/find-offering.ts';
import { lastDirectory, parentUrl, repositoryUrl } from './add/repository-url.ts';
import { readTrusting } from './add/trust.ts';
import { mapLimit } from './concurrency.ts';
import { defaultExtensionSettings } from './definition/extension-settings.ts';
import { type ErrorReport, NetworkError, reportOf } from './errors.ts';
import { displayUrl } from './fetch/url.ts';
import { withoutOsField } from './source/image-names.ts';
import { type Offering, offeringsOf } from './source/offerings.ts';
import { NoListError } from './source/repository.ts';
import { sourceTraits } from './source/source-types.ts';
import type { System } from './system.ts';
import type { Component, Transfer } from './types.ts';
import { matchPatterns } from './version/pattern.ts';

/** Lists that are read at the same time; each has up to a megabyte. */
const LISTS_AT_ONCE = 3;

/** An extension that a source offers. */
export interface FoundExtension {
  readonly name: string;
  /** The newest version for this architecture and OS, as far as names tell; null when there is none. */
  readonly newest: string | null;
  /** Versions for this architecture. */
  readonly versions: number;
  /** Architectures in the names; empty where they do not tell. */
  readonly architectures: readonly string[];
  /** URL of the directory. */
  readonly source: string;
  /** The component that is kept at it here; null for none. */
  readonly component: string | null;
}

export interface SearchResult {
  readonly found: readonly FoundExtension[];
  readonly errors: readonly (ErrorReport & { readonly component: string })[];
  /** How many lists were read. */
  readonly lists: number;
}

/** A list, and what it offers. */
interface ReadSource {
  readonly url: string;
  readonly offerings: readonly Offering[];
}

/** Searches the sources of the selected components. */
export async function searchSources(system: System): Promise<SearchResult> {
  const errors: (ErrorReport & { component: string })[] = [];
  const own = await mapLimit(sourcesOf(system), LISTS_AT_ONCE, async ({ url, trust }) => {
    try {
      const source = await readSource(system, url, trust);
      return source ? [{ ...source, trust }] : missing(url, trust, errors);
    } catch (error) {
      if (system.options.signal?.aborted) throw error;
      tell(system, trust, error, errors);
      return [];
    }
  });
  const read = own.flat();
  const above = await mapLimit(parentsOf(read), LISTS_AT_ONCE, ({ url, trust }) => readAbove(system, url, trust));
  const sources = [...read, ...above.flat()];
  const found = sources.flatMap((source) => extensionsIn(system, source, read));
  return { found: sorted(found), errors, lists: sources.length };
}

/** Looks into a repository that need not be a source. @throws as reading a list does */
export async function searchUrl(system: System, given: string): Promise<SearchResult> {
  const url = repositoryUrl(given);
  const { verify } = system.options;
  const { found: source } = await readTrusting({ verify, signedBy: [] }, async (isVerified) => {
    const trust = { component: lastDirectory(url), settings: defaultExtensionSettings, verify: isVerified };
    const read = await readSource(system, url, trust);
    if (read) return read;
    throw new NoListError(`${displayUrl(url)}/SHA256SUMS: the server has no such list (not found, or a web page)`, {
      next: 'the URL has to be that of the directory with SHA256SUMS in it',
    });
  });
  return { found: sorted(extensionsIn(system, source, [])), errors: [], lists: 1 };
}

/** The published directories of all selected components, each once, with the first component that has it. */
function sourcesOf({ definitions, options }: System): { url: string; trust: ListTrust }[] {
  const sources = new Map<string, { url: string; trust: ListTrust }>();
  for (const component of definitions.components) {
    for (const { source, verify } of allTransfers(component)) {
      if (sourceTraits[source.type].at !== 'url' || sources.has(source.path)) continue;
      const { name, settings } = component;
      const trust = { component: name, settings, verify: options.verify ?? verify };
      sources.set(source.path, { url: source.path, trust });
    }
  }
  return [...sources.values()];
}

function allTransfers({ transfers, disabledTransfers }: Component): Transfer[] {
  return [...transfers, ...disabledTransfers];
}

async function readSource(system: System, url: string, trust: ListTrust): Promise<ReadSource | undefined> {
  const list = await readList(system, url, trust);
  const known = [trust.component, lastDirectory(url), ...system.definitions.components.map(({ name }) => name)];
  return list && { url, offerings: offeringsOf(list.manifest.entries.keys(), hintsFor(system, known)) };
}

/** The directories above those that are for a single extension, each once. */
function parentsOf(read: readonly (ReadSource & { readonly trust: ListTrust })[]): { url: string; trust: ListTrust }[] {
  const parents = new Map<string, { url: string; trust: ListTrust }>();
  for (const { url, offerings, trust } of read) {
    const isForOne = offerings.length > 0 && offerings.every(({ extension }) => extension === lastDirectory(url));
    const parent = isForOne ? parentUrl(url) : undefined;
    const isKnown = parent === undefined || read.some((one) => one.url === parent);
    if (!isKnown && !parents.has(parent)) parents.set(parent, { url: parent, trust });
  }
  return [...parents.values()];
}

/** What stands above was not asked for, so that it is missing, or not good enough, is no failure. */
async function readAbove(system: System, url: string, trust: ListTrust): Promise<ReadSource[]> {
  try {
    const source = await readSource(system, url, trust);
    return source ? [source] : [];
  } catch (error) {
    if (system.options.signal?.aborted || reportOf(error).code === 'unexpected') throw error;
    return [];
  }
}

/** The extensions of a list; what has a list of its own stands there. */
function extensionsIn(system: System, { url, offerings }: ReadSource, read: readonly ReadSource[]): FoundExtension[] {
  const below = read.filter((one) => one.url.startsWith(`${url}/`)).flatMap((one) => one.offerings);
  const others = offerings.filter(({ extension }) => !below.some((one) => one.extension === extension));
  const byName = new Map<string, Offering[]>();
  for (const one of others) byName.set(one.extension, [...(byName.get(one.extension) ?? []), one]);
  return [...byName].map(([name, ways]) => {
    const newest = ways.map((way) => newestIn(system, way)).find((version) => version !== undefined);
    const component = system.definitions.components.find((one) => ways.some((way) => isKept(one, url, way)));
    return {
      name,
      newest: newest ?? null,
      versions: new Set(ways.flatMap(({ images }) => images.map(({ version }) => version))).size,
      architectures: [...new Set(ways.flatMap(({ architectures }) => architectures))].sort(),
      source: `${displayUrl(url)}/`,
      component: component?.name ?? null,
    };
  });
}

/** The newest version that names say is for this machine. */
function newestIn({ host }: System, { images, architectures, osField }: Offering): string | undefined {
  if (!isFor(architectures, host.release.architecture)) return undefined;
  const osVersion = host.release.fields.VERSION_ID;
  return images.find(({ os }) => osField !== 'yes' || os?.version === osVersion)?.version;
}

/** Whether a component takes its versions from these images: `docker-compose-2.34.0` is no version of docker. */
function isKept(component: Component, url: string, { images }: Offering): boolean {
  const sources = allTransfers(component).map(({ source }) => source);
  const near = sources.filter(({ path }) => path === url || path.startsWith(`${url}/`));
  return near.some(({ patterns }) =>
    images.some((image) => {
      const names = [image.file, image.file.slice(image.directory.length)];
      const versions = [image, withoutOsField(image)].map(({ version }) => version);
      return names.some((name) => versions.includes(matchPatterns(patterns, name)?.version ?? ''));
    }),
  );
}

function missing(url: string, { component }: ListTrust, errors: (ErrorReport & { component: string })[]): [] {
  const failure = new NetworkError(`${displayUrl(url)}/SHA256SUMS: the server has no such list`, {
    next: 'look at Path= of the definition: SHA256SUMS has to be below it',
  });
  errors.push({ component, ...reportOf(failure) });
  return [];
}

/** Offline, what is not known is no failure. */
function tell(
  { options: { offline, reporter } }: System,
  { component }: ListTrust,
  error: unknown,
  errors: (ErrorReport & { component: string })[],
): void {
  if (offline && error instanceof NetworkError) reporter.notice(component, error.message);
  else errors.push({ component, ...reportOf(error) });
}

function sorted(found: readonly FoundExtension[]): FoundExtension[] {
  const keyOf = ({ name, source }: FoundExtension) => `${name}\0${source}`;
  return [...found].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
