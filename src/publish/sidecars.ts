/** Sidecars of images: those that publish writes, and whether those of others say what their images say. Pure. */
import * as z from 'zod/mini';
import { defaultExtensionSettings } from '../definition/extension-settings.ts';
import { parseSidecar } from '../source/sidecar.ts';
import type { ImageFacts, ReleaseFields } from '../types.ts';
import type { ExtensionKind, Releases } from './judge-image.ts';

/** Version of what publish says in its own sidecars. */
const FORMAT = 1;

/** Names of the sidecars that clients look for, in their order. @param stem the image's name without `.raw` */
export function sidecarNames(stem: string): string[] {
  return defaultExtensionSettings.manifest.map((pattern) => pattern.replaceAll('@f', stem));
}

/**
 * The name of the one that publish writes: sysextmgr puts `.json` behind the whole name of the image.
 * @param stem the image's name without `.raw`
 */
export function ownSidecarName(stem: string): string {
  return `${stem}.raw.json`;
}

/** What publish notes in a sidecar that it writes. */
export interface OwnSidecar {
  /** File name of the image. */
  readonly image: string;
  /** SHA-256 of the image as it is published, lower-case hex. */
  readonly sha256: string;
}

/** The text of a sidecar: JSON, with a newline at its end. */
export function renderSidecar({ image, sha256 }: OwnSidecar, releases: Releases): string {
  const sidecar = { image_name: image, ...releases, extupdate: { format: FORMAT, sha256 } };
  return `${JSON.stringify(sidecar, undefined, 2)}\n`;
}

const Own = z.object({
  image_name: z.string(),
  extupdate: z.object({ format: z.literal(FORMAT), sha256: z.string() }),
});

/** What publish noted. @param text of any file @returns undefined for what publish has not written */
export function readOwnSidecar(text: string): (OwnSidecar & { readonly releases: Releases }) | undefined {
  const facts = parseSidecar(text);
  if (!facts) return undefined;
  const parsed = z.safeParse(Own, JSON.parse(text));
  if (!parsed.success) return undefined;
  const { image_name: image, extupdate } = parsed.data;
  return { image, sha256: extupdate.sha256, releases: releasesOf(facts) };
}

/** What a sidecar tells, kind by kind. */
function releasesOf({ sysext: [sysext], confext: [confext] }: ImageFacts): Releases {
  return { ...(sysext ? { sysext: sysext.fields } : {}), ...(confext ? { confext: confext.fields } : {}) };
}

/**
 * Where a sidecar says something else than the image, in what clients judge by.
 * @returns undefined when it does not
 */
export function contradictionOf(sidecar: ImageFacts, image: Releases): string | undefined {
  const said = releasesOf(sidecar);
  for (const kind of ['sysext', 'confext'] as const) {
    const fields = image[kind];
    if (fields === undefined) continue;
    const told = said[kind];
    if (told === undefined) return `it tells nothing of the ${kind} that the image is`;
    for (const name of decisiveNames(kind)) {
      if (effect(name, told, kind) === effect(name, fields, kind)) continue;
      return `it says ${name}=${told[name] ?? ''}, and the image ${name}=${fields[name] ?? ''}`;
    }
  }
  return undefined;
}

function decisiveNames(kind: ExtensionKind): string[] {
  const prefix = kind.toUpperCase();
  return ['ID', 'ARCHITECTURE', `${prefix}_SCOPE`, 'VERSION_ID', `${prefix}_LEVEL`];
}

/** What a field comes to where images are judged: some that differ mean the same. */
function effect(name: string, fields: ReleaseFields, kind: ExtensionKind): string {
  const value = fields[name];
  if (name === 'ARCHITECTURE') return value === undefined || value === '_any' ? '' : value;
  if (name === `${kind.toUpperCase()}_SCOPE`)
    return [...new Set((value ?? 'system portable').split(/\s+/))].sort().join(' ');
  if (name === 'ID') return value ?? '';
  return fields.ID === '_any' ? '' : (value ?? '');
}
