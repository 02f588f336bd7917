/**
 * What the names of images in a published list tell: extension, version, OS version, architecture. Publishers have
 * conventions and no rule, so this is good enough to suggest a definition, and never proves anything. Pure.
 */
import { isVersion } from '../version/compare.ts';
import { compressionSuffix } from './list-offered.ts';

/** Architecture words as they stand in names: those of systemd, and what other tools call them. */
const ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ...['x86-64', 'x86', 'arm64', 'arm', 'riscv64', 'riscv32', 'ppc64-le', 'ppc64', 's390x', 'loongarch64'].map(
    (name) => [name, name] as const,
  ),
  ['x86_64', 'x86-64'],
  ['amd64', 'x86-64'],
  ['aarch64', 'arm64'],
  ['ppc64le', 'ppc64-le'],
  ['noarch', '_any'],
]);

const BY_LENGTH = [...ARCHITECTURES.keys()].sort((a, b) => b.length - a.length);

/** A name that is split into its fields; `text` of all of them, with the separators, is the name again. */
export interface ImageName {
  /** The name in the list. */
  readonly file: string;
  /** Directories in front of it, with the slash; '' where there are none. */
  readonly directory: string;
  readonly extension: string;
  /** Between extension and version. */
  readonly separator: string;
  readonly version: string;
  /** The field after the version, where it can be that of an OS version. */
  readonly os?: { readonly separator: string; readonly version: string; readonly isSure: boolean };
  readonly architecture?: {
    readonly separator: string;
    /** As it stands in the name. */
    readonly word: string;
    /** In systemd names; `_any` for all. */
    readonly name: string;
  };
  /** `.raw`, or `.sysext.raw`. */
  readonly suffix: string;
  /** `.zst` and the like; '' where it is not compressed. */
  readonly compression: string;
}

/**
 * Splits the name of an image.
 * @param known names of extensions that may be in it, for where a dash could end the extension or stand in it
 * @returns undefined for what is no image of a version
 */
export function readImageName(file: string, known: readonly string[]): ImageName | undefined {
  const directory = file.slice(0, file.lastIndexOf('/') + 1);
  const compression = compressionSuffix.exec(file)?.[0] ?? '';
  const base = file.slice(directory.length, file.length - compression.length);
  const suffix = /(\.(sysext|confext))?\.raw$/.exec(base)?.[0];
  if (suffix === undefined) return undefined;
  const stem = base.slice(0, -suffix.length);
  const word = BY_LENGTH.find((one) => stem.endsWith(one) && /[-_.]/.test(stem.at(-one.length - 1) ?? ''));
  const fields = word === undefined ? stem : stem.slice(0, -word.length - 1);
  const separator = word === undefined ? '' : stem.slice(fields.length, fields.length + 1);
  const start = splitExtension(fields, known, separator === '_');
  if (!start) return undefined;
  const rest = fields.slice(start.extension.length + 1);
  const os = osField(rest, start.separator);
  const version = os ? rest.slice(0, -os.version.length - 1) : rest;
  if (!isVersion(version)) return undefined;
  return {
    file,
    directory,
    ...start,
    version,
    ...(os ? { os } : {}),
    ...(word === undefined ? {} : { architecture: { separator, word, name: ARCHITECTURES.get(word) ?? word } }),
    suffix,
    compression,
  };
}

/** The same name, with the field of the OS as a part of the version. */
export function withoutOsField({ os, ...name }: ImageName): ImageName {
  return os ? { ...name, version: `${name.version}${os.separator}${os.version}` } : name;
}

/** Where the version begins: behind a name that is known, else at the first field that begins like one. */
function splitExtension(
  fields: string,
  known: readonly string[],
  isUapi: boolean,
): Pick<ImageName, 'extension' | 'separator'> | undefined {
  const isBefore = (name: string) => name !== '' && fields.startsWith(name);
  const named = known.filter((name) => isBefore(name) && /^[-_][0-9A-Za-z]/.test(fields.slice(name.length)));
  const longest = named.sort((a, b) => b.length - a.length);
  const splitAt = (at: number) => ({ extension: fields.slice(0, at), separator: fields.charAt(at) });
  // `git` is known, and `git-lfs-2.1` is not "lfs-2.1" of it.
  const best = longest.find((name) => /^.v?[0-9]/.test(fields.slice(name.length)));
  if (best !== undefined) return splitAt(best.length);
  // UAPI.10 separates fields by "_", others by "-", which names and versions may hold, too.
  const starts = [...(isUapi ? [/_v?[0-9]/] : []), /[-_]v?[0-9]/].map((start) => fields.search(start));
  const at = starts.find((start) => start > 0);
  if (at !== undefined) return splitAt(at);
  return longest[0] === undefined ? undefined : splitAt(longest[0].length);
}

/** The last field behind the version: sure where the version itself names the OS, or UAPI.10 gives it a field. */
function osField(rest: string, separator: string): ImageName['os'] | undefined {
  const at = rest.lastIndexOf(separator);
  const version = rest.slice(at + 1);
  if (at <= 0 || !/^[0-9][0-9A-Za-z.~]*$/.test(version)) return undefined;
  const isDistTag = new RegExp(`\\.[a-z]+${version.replaceAll('.', '\\.')}$`).test(rest.slice(0, at));
  return { separator, version, isSure: isDistTag || separator === '_' };
}
