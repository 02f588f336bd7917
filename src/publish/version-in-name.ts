/** Whether the name of an image has a version that a pattern can take, and what it says of the architecture. Pure. */
import { KNOWN_ARCHITECTURES } from '../resolve/vpick.ts';
import { isVersion, VERSION_LENGTH_MAX } from '../version/compare.ts';
import { PatternError, parsePattern } from '../version/pattern.ts';

/** What tools other than systemd call them. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  x86_64: 'x86-64',
  amd64: 'x86-64',
  aarch64: 'arm64',
  i386: 'x86',
  i686: 'x86',
};

/** Words that end a name for other reasons, too: `1.0-alpha`, `5.9-sh`. */
const AMBIGUOUS: readonly string[] = ['alpha', 'arc', 'cris', 'sh'];

/** Parts of a name, with what separates them; those that are not there are ''. */
interface Tail {
  readonly version: string;
  /** As systemd calls it. */
  readonly architecture: string;
}

/**
 * Reads what follows the name of the extension.
 * @param imageName file name without `.raw`
 * @param shortName the name of the extension, where the image tells it; else it ends before the first digit
 */
function tailOf(imageName: string, shortName: string | undefined): Tail {
  const counted = imageName.replace(/\+[0-9]+(-[0-9]+)?$/, '');
  const { name, architecture } = withoutArchitecture(counted);
  if (shortName !== undefined && name.startsWith(shortName)) {
    return { version: name.slice(shortName.length + 1), architecture };
  }
  const before = /[-_.+]v?(?=[0-9])/.exec(name);
  return { version: before ? name.slice(before.index + 1) : '', architecture };
}

function withoutArchitecture(name: string): { readonly name: string; readonly architecture: string } {
  // "x86-64" before "64".
  for (const pattern of [/[-_.]([A-Za-z0-9]+[-_][A-Za-z0-9]+)$/, /[-_.]([A-Za-z0-9]+)$/]) {
    const match = pattern.exec(name);
    const word = match?.[1] ?? '';
    const architecture = OTHER_NAMES[word] ?? word;
    if (match && KNOWN_ARCHITECTURES.has(architecture) && !AMBIGUOUS.includes(architecture)) {
      return { name: name.slice(0, match.index), architecture };
    }
  }
  return { name, architecture: '' };
}

/** Why no pattern of a transfer finds a version in the name; undefined when one does, or when the name has no version. */
export function versionProblem(imageName: string, shortName: string | undefined): string | undefined {
  const { version } = tailOf(imageName, shortName);
  if (version === '') return undefined;
  if (version.length > VERSION_LENGTH_MAX) return `its version is longer than ${VERSION_LENGTH_MAX} characters`;
  if (!isVersion(version)) {
    const bad = /[^0-9A-Za-z.~^_+-]/u.exec(version)?.[0] ?? version;
    return `its version "${version}" has ${JSON.stringify(bad)}; @v takes letters, digits and . ~ ^ - _ + only`;
  }
  // What stands before the version is a literal of the pattern.
  const bad = /[^ -~]/u.exec(imageName)?.[0];
  if (bad !== undefined) return `${JSON.stringify(bad)} in its name, which no MatchPattern= can have`;
  try {
    parsePattern(`${imageName.slice(0, imageName.indexOf(version)).replaceAll('@', '@@')}@v`);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return `no MatchPattern= finds it: one with its name ${error.message}`;
  }
}

/** Whether a client can take it for a version of something. */
export function hasVersion(imageName: string, shortName: string | undefined): boolean {
  return tailOf(imageName, shortName).version !== '';
}

/** Why the architecture in an image cannot be right; undefined when it can. @param architecture '' or `_any` for all */
export function architectureProblem(
  architecture: string,
  imageName: string,
  shortName: string | undefined,
): string | undefined {
  if (architecture === '' || architecture === '_any') return undefined;
  if (!KNOWN_ARCHITECTURES.has(architecture)) {
    const meant = OTHER_NAMES[architecture];
    const instead = meant === undefined ? 'expected one such as x86-64 or arm64' : `expected ${meant}`;
    return `ARCHITECTURE=${architecture} is none that systemd knows; ${instead}`;
  }
  const said = tailOf(imageName, shortName).architecture;
  return said === '' || said === architecture
    ? undefined
    : `ARCHITECTURE=${architecture}, and its name says ${said}: no machine takes both`;
}
