/**
 * Version order of UAPI.10 (Version Format Specification), as systemd's `strverscmp_improved()` has it.
 *
 * Bytes are compared, never locale-dependent letters. `systemd-analyze compare-versions` is the oracle in the tests.
 */

/** Longest version that is looked at, in characters; anything longer is a mistake or an attack. */
export const VERSION_LENGTH_MAX = 128;

/** Markers in the order in which they are looked at; a version that has one where the other has none is the older. */
const SEGMENT_MARKERS = ['-', '^', '.'] as const;

/**
 * Compares two versions: negative when `a` is older, positive when it is newer, 0 when they are the same version.
 * Note that `1.2.0-rc1` is newer than `1.2.0`, and that `1.0` and `1.00` are the same version.
 */
export function compareVersions(a: string, b: string): number {
  let i = 0;
  let j = 0;
  for (;;) {
    while (i < a.length && !isVersionCharacter(a[i])) i++;
    while (j < b.length && !isVersionCharacter(b[j])) j++;

    // A tilde begins a pre-release: older than anything, even than the end of the other version.
    if (a[i] === '~' || b[j] === '~') {
      if (a[i] !== b[j]) return a[i] === '~' ? -1 : 1;
      i++;
      j++;
    }

    const aEnds = i >= a.length;
    const bEnds = j >= b.length;
    if (aEnds || bEnds) return Number(bEnds) - Number(aEnds);

    for (const marker of SEGMENT_MARKERS) {
      if (a[i] !== marker && b[j] !== marker) continue;
      if (a[i] !== b[j]) return a[i] === marker ? -1 : 1;
      i++;
      j++;
    }

    const numeric = isDigit(a[i]) || isDigit(b[j]);
    const belongs = numeric ? isDigit : isLetter;
    const aEnd = endOfSegment(a, i, belongs);
    const bEnd = endOfSegment(b, j, belongs);
    const compareSegments = numeric ? compareNumbers : compareBytes;
    const order = compareSegments(a.slice(i, aEnd), b.slice(j, bEnd));
    if (order !== 0) return order;
    i = aEnd;
    j = bEnd;
  }
}

/** Whether UAPI.10 holds two versions equal: `1.0` and `1.00` are one version. */
export function isSameVersion(a: string, b: string): boolean {
  return a === b || compareVersions(a, b) === 0;
}

/** Sorts newest first; equal versions are ordered by bytes, so that the result never depends on the input's order. */
export function newestFirst(a: string, b: string): number {
  return compareVersions(b, a) || compareBytes(a, b);
}

/** Whether the text can be a version in sysupdate.d(5): UAPI.10's characters, and `_` and `+` beside them. */
export function isVersion(text: string): boolean {
  return text.length <= VERSION_LENGTH_MAX && /^[0-9A-Za-z.~^_+-]+$/.test(text) && text !== '.' && text !== '..';
}

/** Whether a version reads like a SemVer pre-release (`1.2.0-rc1`), which UAPI.10 orders after `1.2.0`. */
export function looksLikePreRelease(version: string): boolean {
  return /[0-9]-(alpha|beta|pre|rc|dev)/i.test(version);
}

function compareNumbers(a: string, b: string): number {
  // A segment that is missing here and a number there: the number is newer.
  if (a === '' || b === '') return a.length - b.length;
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  return left.length - right.length || compareBytes(left, right);
}

function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function endOfSegment(text: string, from: number, belongs: (character: string | undefined) => boolean): number {
  let end = from;
  while (belongs(text[end])) end++;
  return end;
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}

function isLetter(character: string | undefined): boolean {
  if (character === undefined) return false;
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

function isVersionCharacter(character: string | undefined): boolean {
  return isDigit(character) || isLetter(character) || (character !== undefined && '.~^-'.includes(character));
}
