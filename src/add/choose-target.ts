/**
 * Where the images of a publisher go: as its own definitions have it where the layout is known, and under a name that the
 * release file in the image loads under. Pure.
 */
import { releaseFieldsOf } from '../resolve/compatibility.ts';
import type { Offering } from '../source/offerings.ts';
import type { ImageFacts } from '../types.ts';

/** What is known of the names under which an image loads. */
export interface InnerName {
  readonly kind: 'sysext' | 'confext';
  /**
   * `full`: its own file name, with the version in it, and no other. Else the name that it loads under, whatever its
   * version is.
   */
  readonly loadsAs: 'full' | { readonly name: string };
  /** Whether the image was looked at; else it is what the layout suggests. */
  readonly isSeen: boolean;
  readonly hasBothKinds: boolean;
}

/** `[Target]` of a definition. */
export interface ChosenTarget {
  readonly path: string;
  readonly currentSymlink?: string;
  /** Where files are named otherwise than in the source. */
  readonly pattern?: string;
  readonly instancesMax?: number;
}

/**
 * What the release files of an image say of its name.
 * @param facts undefined, or those of a sidecar, where nobody has looked into it
 * @param stem file name of the image without `.raw` and compression suffix
 * @returns undefined for an image without a release file that could be loaded
 */
export function innerNameOf(facts: ImageFacts | undefined, offering: Offering, stem: string): InnerName | undefined {
  const kind = facts && facts.sysext.length === 0 && facts.confext.length > 0 ? 'confext' : 'sysext';
  const hasBothKinds = facts !== undefined && facts.sysext.length > 0 && facts.confext.length > 0;
  if (!facts || facts.origin === 'sidecar') return { ...guessed(offering), kind, hasBothKinds };
  const loads = (imageName: string) => releaseFieldsOf(facts, { kind, imageName }) !== undefined;
  const found = { kind, isSeen: true, hasBothKinds } as const;
  if (loads(offering.extension)) return { ...found, loadsAs: { name: offering.extension } };
  const [only, ...others] = facts[kind];
  if (loads(stem)) return { ...found, loadsAs: 'full' };
  return only && others.length === 0 && PLAIN_NAME.test(only.suffix)
    ? { ...found, loadsAs: { name: only.suffix } }
    : undefined;
}

/** What an image calls itself is written into a definition: a name, and nothing that means something there. */
const PLAIN_NAME = /^[0-9A-Za-z][0-9A-Za-z:._+~^-]{0,199}$/;

/** openSUSE's images, which mkosi names, carry their full name; all others a short one. */
function guessed({ extension, architectureSeparator }: Offering): Pick<InnerName, 'loadsAs' | 'isSeen'> {
  return { loadsAs: architectureSeparator === '.' ? 'full' : { name: extension }, isSeen: false };
}

/**
 * Chooses where the images go, and how one of them becomes visible.
 * @param hasVersioned whether the systemd of the host looks into `.v` directories
 */
export function chooseTarget(offering: Offering, inner: InnerName, hasVersioned: boolean): ChosenTarget {
  const { extension, pattern, compressions, architectureSeparator, osField } = offering;
  const search = inner.kind === 'confext' ? '/var/lib/confexts' : '/var/lib/extensions';
  const fileName = pattern.slice(pattern.lastIndexOf('/') + 1);
  // Files here are never in directories, and never compressed.
  const isSame = fileName === pattern && compressions.join('') === '';
  const named = isSame ? {} : { pattern: fileName };
  // Each version is an extension of its own there, and loads under no other name.
  if (inner.loadsAs === 'full') return { path: search, ...named };
  const { name } = inner.loadsAs;
  const link = `${search}/${escaped(name)}.raw`;
  // Fedora. The name of the file is all that says which OS an image for "any" was built for, so it has to stay.
  if (osField === 'yes') return { path: `${search}.d`, ...named, currentSymlink: link, instancesMax: 2 };
  if (inner.kind === 'sysext' && architectureSeparator === '-') {
    // Flatcar's bakery.
    const directory = `/opt/extensions/${escaped(extension)}`;
    return { path: directory, ...named, currentSymlink: `/etc/extensions/${escaped(name)}.raw` };
  }
  if (!hasVersioned) return { path: `${search}.d`, ...named, currentSymlink: link };
  const field = architectureSeparator === '_' && pattern.includes('_%a') ? '_%a' : '';
  const versioned = `${escaped(name)}_@v${field}.raw`.replaceAll(' ', '\\x20');
  return {
    path: `${search}/${escaped(name)}.raw.v`,
    ...(isSame && versioned === pattern ? {} : { pattern: versioned }),
  };
}

/** `%` begins specifiers in paths and patterns. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}
