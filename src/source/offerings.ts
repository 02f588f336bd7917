/** What a published list offers, by extension: names of images, grouped by how they are made. Pure. */
import { newestFirst } from '../version/compare.ts';
import { type ImageName, readImageName, withoutOsField } from './image-names.ts';

/** What names are looked at for. */
export interface OfferingHints {
  /** Names of extensions that may be in the list: what was asked for, the directory of the list. */
  readonly known: readonly string[];
  /** In systemd names. */
  readonly architecture: string;
  /** `VERSION_ID=` of the OS; '' where it has none. */
  readonly osVersion: string;
}

/** Images of one extension whose names are made in the same way. */
export interface Offering {
  readonly extension: string;
  /** The pattern that names them, for sysupdate.d(5), without a compression suffix. */
  readonly pattern: string;
  /** Suffixes of compression that are offered; '' is none. The order in which they are preferred. */
  readonly compressions: readonly string[];
  /** Whether the pattern has a field for the version of the OS, or could have one: that is for the image to tell. */
  readonly osField: 'yes' | 'maybe' | 'no';
  /** The separator before the architecture; '' where names have none. */
  readonly architectureSeparator: string;
  /** For this architecture, newest first. */
  readonly images: readonly ImageName[];
  /** Architectures that it is offered for, in systemd names; none where names do not tell. */
  readonly architectures: readonly string[];
  /** OS versions in the names, where they have that field. */
  readonly osVersions: readonly string[];
}

/** Uncompressed images can be looked into before they are downloaded. */
const COMPRESSIONS = ['', '.zst', '.xz', '.gz', '.bz2', '.lz4'];

/** The extensions of a list, by name; those that are made in several ways stand several times, the newest first. */
export function offeringsOf(names: Iterable<string>, hints: OfferingHints): Offering[] {
  const groups = new Map<string, ImageName[]>();
  for (const file of names) {
    const read = readImageName(file, hints.known);
    if (!read) continue;
    const key = JSON.stringify([read.extension, read.directory, read.separator, wordOf(read, hints), read.suffix]);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(read);
  }
  const offerings = [...groups.values()].flatMap((group) => offeringOf(group, hints) ?? []);
  return offerings.sort((a, b) => compareNames(a.extension, b.extension) || compareOfferings(a, b));
}

/** An offering in which the field that could be that of an OS version is one, or is none. */
export function decideOsField(offering: Offering, isOs: boolean, hints: OfferingHints): Offering {
  return make(offering.images, offering.architectures, isOs ? 'yes' : 'no', hints);
}

/** What stands for the architecture in the key of a group: those of other machines are the same extension. */
function wordOf({ architecture }: ImageName, hints: OfferingHints): string {
  if (!architecture) return '';
  const isWord = architecture.word === architecture.name || architecture.name !== hints.architecture;
  return architecture.separator + (isWord && architecture.name !== '_any' ? '%a' : architecture.word);
}

function offeringOf(group: readonly ImageName[], hints: OfferingHints): Offering | undefined {
  const architectures = [...new Set(group.flatMap(({ architecture }) => architecture?.name ?? []))].sort();
  const fits = ({ architecture }: ImageName) =>
    architecture === undefined || ['_any', hints.architecture].includes(architecture.name);
  const images = group.filter(fits);
  return make(images.length > 0 ? images : group, architectures, osFieldOf(group, hints), hints);
}

function make(
  group: readonly ImageName[],
  architectures: readonly string[],
  osField: Offering['osField'],
  hints: OfferingHints,
): Offering {
  const images = group.map((image) => (osField === 'no' ? withoutOsField(image) : image));
  images.sort((a, b) => newestFirst(a.version, b.version) || compareNames(a.file, b.file));
  const [first] = images as [ImageName, ...ImageName[]];
  const osVersions = images.flatMap(({ os }) => os?.version ?? []);
  return {
    extension: first.extension,
    pattern: patternOf(first, hints),
    compressions: COMPRESSIONS.filter((suffix) => images.some(({ compression }) => compression === suffix)),
    osField,
    architectureSeparator: first.architecture?.separator ?? '',
    images,
    architectures,
    osVersions: [...new Set(osVersions)].sort(newestFirst),
  };
}

/** All names need the field; sure is it where one version is built for several OSes, too. */
function osFieldOf(group: readonly ImageName[], { osVersion }: OfferingHints): Offering['osField'] {
  if (osVersion === '' || group.some(({ os }) => os === undefined)) return 'no';
  if (group.some(({ os }) => os?.isSure)) return 'yes';
  const byVersion = new Map(group.map(({ version, os }) => [version, os?.version]));
  if (group.some(({ version, os }) => byVersion.get(version) !== os?.version)) return 'yes';
  return 'maybe';
}

function patternOf({ directory, extension, separator, os, architecture, suffix }: ImageName, hints: OfferingHints) {
  const field = architecture && architecture.separator + architectureField(architecture, hints);
  const osPart = os ? `${os.separator}%w` : '';
  return `${literal(directory + extension + separator)}@v${osPart}${field ?? ''}${literal(suffix)}`;
}

function architectureField({ word, name }: NonNullable<ImageName['architecture']>, hints: OfferingHints): string {
  // `%a` stands for the name that systemd has.
  return name === hints.architecture && word !== name ? literal(word) : name === '_any' ? literal(word) : '%a';
}

/** Text in a pattern: `@` begins wildcards, `%` specifiers, a blank ends it. */
function literal(text: string): string {
  return text.replaceAll('@', '@@').replaceAll('%', '%%').replaceAll(' ', '\\x20');
}

function compareNames(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function compareOfferings(a: Offering, b: Offering): number {
  return newestFirst(a.images[0]?.version ?? '', b.images[0]?.version ?? '');
}
