/**
 * Sidecar manifests: small JSON files that tell the extension-release fields of an image, so that its compatibility is
 * known before it is here. mkosi writes `{config, extension: {ID, ...}}`; openSUSE's repositories also carry
 * `{image_name, sysext: {ID, ...}}` (managers.md 2.3). Pure.
 */
import { gunzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { detectCompression } from '../image/compression.ts';
import type { ImageFacts } from '../types.ts';

/** Largest sidecar, unpacked, in bytes; mkosi lists all packages in it. */
export const SIDECAR_SIZE_MAX = 4 * 1024 * 1024;

const Fields = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
const Sidecar = z.object({
  extension: z.optional(Fields),
  sysext: z.optional(Fields),
  confext: z.optional(Fields),
});

/** The facts that the bytes of a sidecar tell, gzipped or not; undefined when it is not one or tells nothing. */
export function readSidecar(bytes: Buffer): ImageFacts | undefined {
  try {
    const isPacked = detectCompression(bytes) === 'gzip';
    const plain = isPacked ? gunzipSync(bytes, { maxOutputLength: SIDECAR_SIZE_MAX }) : bytes;
    return parseSidecar(plain.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The facts that the text of a sidecar tells; undefined when it is not one or tells nothing. */
export function parseSidecar(text: string): ImageFacts | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  // sysextmgr's files are sometimes a list with one element.
  const parsed = z.safeParse(Sidecar, Array.isArray(json) && json.length === 1 ? json[0] : json);
  if (!parsed.success) return undefined;
  const { extension, sysext, confext } = parsed.data;
  const sysextFields = toFields(sysext ?? extension);
  const confextFields = toFields(confext ?? extension);
  if (!sysextFields && !confextFields) return undefined;
  return {
    origin: 'sidecar',
    sysext: sysextFields ? [{ suffix: '', fields: sysextFields }] : [],
    confext: confextFields ? [{ suffix: '', fields: confextFields }] : [],
    hasOsRelease: false,
  };
}

function toFields(values: z.infer<typeof Fields> | undefined): Record<string, string> | undefined {
  if (values?.ID === undefined || values.ID === null) return undefined;
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])),
  );
}
