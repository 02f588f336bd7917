/** What extupdate reads differently from systemd-sysupdate 262, on purpose: all there is. */
import { compareVersions, isVersion } from '../../../src/version/compare.ts';
import type { ListedDifference } from './listed-differences.ts';

/** How both answered: versions, newest first, or undefined where they refused. */
export interface Differing {
  /** The list, or the pattern. */
  readonly text: string;
  readonly extupdate: readonly string[] | undefined;
  readonly systemd: readonly string[] | undefined;
  /** What extupdate said. */
  readonly why: string;
  /** What systemd said last. */
  readonly said: string;
}

/** Versions that are no versions for extupdate. */
const versionsLeftOut: readonly ListedDifference<Differing>[] = [
  {
    name: 'a version of more than 128 characters',
    reason: 'is no version (M17): nothing that people or programs print would hold it',
    explains: ({ extupdate, systemd }) => leavesOut(extupdate, systemd, (version) => version.length > 128),
  },
  {
    name: 'a version of dots alone',
    reason: 'is no version: as a directory or a part of a path it would mean another place',
    explains: ({ extupdate, systemd }) => leavesOut(extupdate, systemd, (version) => !isVersion(version)),
  },
];

export const manifestDifferences: readonly ListedDifference<Differing>[] = [
  {
    name: 'names for other places',
    reason:
      'a trailing slash, "~", a backslash or a drive letter refuse the list (M4, M5): signed nonsense is a sign of an attack; systemd takes them for names',
    explains: (one) => refusedHere(one, /is not a plain file name$/),
  },
  {
    name: 'percent signs',
    reason: 'are literal in names (M7), and encoded in URLs; systemd refuses the list',
    explains: (one) => refusedThere(one, /Invalid filename/) && one.text.includes('%'),
  },
  {
    name: 'a name of more than 255 bytes',
    reason: 'is left out with a warning (M17); systemd refuses the list',
    explains: (one) => refusedThere(one, /Invalid filename/) && /[^\n]{300}/.test(one.text) && warnsOfName(one),
  },
  {
    name: 'control characters in a name',
    reason: 'leave the name out with a warning (M19); systemd refuses the list',
    explains: (one) => refusedThere(one, /control characters/) && warnsOfName(one),
  },
  {
    name: 'the day of BEST-BEFORE-',
    reason: 'is good to its end in UTC (M21); systemd refuses the list from the beginning of that day on',
    explains: (one) => refusedThere(one, /of-date/) && one.text.includes(`BEST-BEFORE-${today()}\n`),
  },
  {
    name: 'BEST-BEFORE- without a date',
    reason: 'refuses the list (M22): whoever wrote it wanted the list to end; systemd ignores it',
    explains: (one) => refusedHere(one, /expected BEST-BEFORE-YYYY-MM-DD$/),
  },
  {
    name: 'a name with two hashes',
    reason: 'refuses the list: one of them is wrong; systemd takes the first',
    explains: (one) => refusedHere(one, /is listed twice with different hashes$/),
  },
  {
    name: 'an image with the hash of nothing, or of zeros',
    reason: 'refuses the list (M12): it was made of a download that failed; systemd offers the version',
    explains: (one) => refusedHere(one, /the hash is that of an empty file$/),
  },
  ...versionsLeftOut,
];

export const patternDifferences: readonly ListedDifference<Differing>[] = [
  {
    name: 'a slash at the end',
    reason: 'refuses the definition, since no name ends in one; systemd takes it and finds nothing (#42895)',
    explains: (one) => refusedHere(one, /begins or ends with "\/"/) && one.systemd?.length === 0,
  },
];

export const fieldDifferences: readonly ListedDifference<Differing>[] = [
  {
    name: 'numbers in other notations',
    reason:
      'are no numbers: a sign, 0x, or an access mode of more than five digits; systemd takes what strtoul(3) takes',
    explains: ({ text, extupdate, systemd }) =>
      extupdate?.length === 0 && systemd?.length === 1 && /^@[ftmsdl] (\+[0-9]+|0x[0-9]+|0+[0-7]{3})$/.test(text),
  },
];

/** Whether both have the same versions: equal ones (`1.0` and `1.00`) are one, of which either shows one. */
export function isSameAnswer({ extupdate, systemd }: Pick<Differing, 'extupdate' | 'systemd'>): boolean {
  if (extupdate === undefined || systemd === undefined) return extupdate === systemd;
  return (
    extupdate.length === systemd.length &&
    extupdate.every((version, index) => compareVersions(version, systemd[index] ?? '') === 0)
  );
}

function refusedHere({ extupdate, systemd, why }: Differing, message: RegExp): boolean {
  return extupdate === undefined && systemd !== undefined && message.test(why);
}

function refusedThere({ extupdate, systemd, said }: Differing, message: RegExp): boolean {
  return systemd === undefined && extupdate !== undefined && message.test(said);
}

function warnsOfName({ why }: Differing): boolean {
  return why.includes('too long or not printable');
}

function leavesOut(
  extupdate: Differing['extupdate'],
  systemd: Differing['systemd'],
  isLeftOut: (version: string) => boolean,
): boolean {
  if (!systemd?.some(isLeftOut)) return false;
  return isSameAnswer({ extupdate, systemd: systemd.filter((version) => isVersion(version)) });
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
