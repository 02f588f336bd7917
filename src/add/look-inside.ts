/** What one image of an extension says, so that a definition can be made for all of them. */

import { defaultExtensionSettings } from '../definition/extension-settings.ts';
import { reportOf, UnsuitableError } from '../errors.ts';
import { urlOf } from '../fetch/url.ts';
import type { ImageName } from '../source/image-names.ts';
import { sidecarsOf } from '../source/list-offered.ts';
import { decideOsField, type Offering } from '../source/offerings.ts';
import type { System } from '../system.ts';
import type { ImageFacts, OfferedInstance } from '../types.ts';
import { type InnerName, innerNameOf } from './choose-target.ts';
import { type FoundOffering, hintsFor } from './find-offering.ts';

/**
 * Reads the image that says most about this host: the newest that is for its OS, else the newest.
 * @returns the offering, with what is now known of a field that may be the OS's, and the name in the image
 * @throws UnsuitableError for what is no extension
 */
export async function lookInside(
  system: System,
  name: string,
  url: string,
  entries: FoundOffering['list']['manifest']['entries'],
  offering: Offering,
): Promise<{ offering: Offering; inner: InnerName }> {
  const hints = hintsFor(system, [name]);
  const image = offering.images.find(({ os }) => os?.version === hints.osVersion) ?? offering.images[0];
  if (!image) throw new UnsuitableError(`${url}: no image of ${name}`);
  const facts = await learn(system, name, url, entries, image);
  if (facts?.defect !== undefined) throw new UnsuitableError(`${name}: cannot be used: ${facts.defect}`);
  const decided =
    offering.osField === 'maybe'
      ? decideOsField(offering, isOsVersion(image, facts, hints.osVersion), hints)
      : offering;
  const stem = image.file.slice(image.directory.length).slice(0, -(image.compression.length + '.raw'.length));
  const inner = innerNameOf(facts, decided, stem);
  if (inner) return { offering: decided, inner };
  throw new UnsuitableError(`${name}: ${image.file} is no extension: it has no release file that systemd could load`, {
    next: 'ask the publisher for usr/lib/extension-release.d/extension-release.NAME in the image',
  });
}

/** A field that may be that of the OS is one when the image says so, too. */
function isOsVersion({ os }: ImageName, facts: ImageFacts | undefined, osVersion: string): boolean {
  const versions = [...(facts?.sysext ?? []), ...(facts?.confext ?? [])].map(({ fields }) => fields.VERSION_ID);
  return facts ? versions.includes(os?.version) : os?.version === osVersion;
}

async function learn(
  system: System,
  name: string,
  url: string,
  entries: FoundOffering['list']['manifest']['entries'],
  { file, version }: ImageName,
): Promise<ImageFacts | undefined> {
  const { sources, options } = system;
  if (options.offline) return undefined;
  const source = sources.of({ source: { type: 'url-file', path: url, explicit: false, patterns: [] } });
  const sidecars = sidecarsOf(file, entries, url, defaultExtensionSettings.manifest);
  const sha256 = entries.get(file) ?? '';
  const image: OfferedInstance = {
    ...{ transferId: name, version, name: file, location: urlOf(url, file), sha256 },
    ...{ fields: { version }, sidecars: [] },
  };
  try {
    // A sidecar tells nothing of the name in the image.
    return (await source.learn(image)) ?? (await source.learn({ ...image, sidecars }));
  } catch (error) {
    if (options.signal?.aborted) throw error;
    options.reporter.notice(name, `${file} cannot be looked into: ${reportOf(error).message}`);
    return undefined;
  }
}
