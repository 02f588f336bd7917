/** Which file of a `.v` directory systemd takes (UAPI.10, vpick.c): names, and the order among them. */
import { compareVersions } from '../version/compare.ts';

export interface VpickEntry {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly triesLeft?: number;
  readonly triesDone?: number;
}

/** Architectures that a machine can run besides its own. */
const SECONDARY: Readonly<Record<string, string>> = {
  'x86-64': 'x86',
  arm64: 'arm',
  'ppc64-le': 'ppc-le',
  s390x: 's390',
};
/** All that systemd has a name for. */
export const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  'x86-64 x86 arm64 arm64-be arm arm-be ia64 riscv64 riscv32 ppc64-le ppc64 ppc-le ppc s390x s390 loongarch64 mips64 mips64-le mips mips-le alpha parisc parisc64 sparc sparc64 sh sh64 m68k tilegx cris nios2 arc arc-be'.split(
    ' ',
  ),
);

/**
 * Reads a file name of a `.v` directory: BASE_VERSION[_ARCH][+LEFT[-DONE]]SUFFIX.
 * @returns undefined for names that vpick does not consider, versions with `_` or `+` among them
 */
export function parseVpickName(name: string, base: string, suffix: string): VpickEntry | undefined {
  if (!name.startsWith(`${base}_`) || !name.endsWith(suffix)) return undefined;
  let rest = name.slice(base.length + 1, name.length - suffix.length);
  let tries: { triesLeft: number; triesDone?: number } | undefined;
  const counter = /\+([0-9]+)(?:-([0-9]+))?$/.exec(rest);
  if (counter && counter.index === rest.lastIndexOf('+')) {
    tries = { triesLeft: Number(counter[1]), ...(counter[2] === undefined ? {} : { triesDone: Number(counter[2]) }) };
    rest = rest.slice(0, counter.index);
  }
  const underscore = rest.lastIndexOf('_');
  const architecture = underscore < 0 ? undefined : rest.slice(underscore + 1);
  const version = underscore < 0 ? rest : rest.slice(0, underscore);
  if (!isVpickVersion(version)) return undefined;
  return {
    name,
    version,
    ...tries,
    ...(architecture !== undefined && KNOWN_ARCHITECTURES.has(architecture) ? { architecture } : {}),
  };
}

/** Whether a version can stand in a file name of a `.v` directory. */
export function isVpickVersion(version: string): boolean {
  return /^[A-Za-z0-9.~^-]+$/.test(version);
}

/** Whether the machine takes the entry at all: its own architecture, its secondary one, or none named. */
export function isCandidate(entry: VpickEntry, native: string): boolean {
  return entry.architecture === undefined || architectureRank(entry, native) > 0;
}

/** Negative when vpick prefers `a`. */
export function comparePreference(a: VpickEntry, b: VpickEntry, native: string): number {
  return (
    Number(b.triesLeft !== 0) - Number(a.triesLeft !== 0) ||
    compareVersions(b.version, a.version) ||
    architectureRank(b, native) - architectureRank(a, native) ||
    compareTries(a, b) ||
    (a.name < b.name ? 1 : a.name > b.name ? -1 : 0)
  );
}

function compareTries(a: VpickEntry, b: VpickEntry): number {
  const left = (entry: VpickEntry) => entry.triesLeft ?? Number.POSITIVE_INFINITY;
  if (left(a) !== left(b)) return left(a) > left(b) ? -1 : 1;
  return (a.triesDone ?? 0) - (b.triesDone ?? 0);
}

function architectureRank(entry: VpickEntry, native: string): number {
  if (entry.architecture === native) return 3;
  if (entry.architecture !== undefined && entry.architecture === SECONDARY[native]) return 2;
  return entry.architecture === undefined ? 1 : 0;
}
