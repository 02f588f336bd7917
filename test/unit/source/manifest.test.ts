import { describe, expect, it } from 'vitest';
import { PolicyError, TrustError } from '../../../src/errors.ts';
import { checkFreshness, EMPTY_SHA256, parseManifest } from '../../../src/source/manifest.ts';

const url = 'https://example.com/SHA256SUMS';
const hash = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const parse = (text: string | Uint8Array) => parseManifest(Buffer.from(text), url);

describe('parseManifest', () => {
  it.each([
    ['two blanks (M2)', `${hash}  foo_1.raw\n`],
    ['binary mark (M2)', `${hash} *foo_1.raw\n`],
    ['upper case (M12)', `${hash.toUpperCase()}  foo_1.raw\n`],
    ['the same entry twice (M9)', `${hash}  foo_1.raw\n${hash} *foo_1.raw\n`],
  ])('accepts %s', (_, text) => {
    expect(parse(text).entries).toEqual([{ name: 'foo_1.raw', sha256: hash }]);
  });

  it('takes an empty list for one without versions (M14)', () => {
    expect(parse('').entries).toEqual([]);
  });

  it('takes percent signs literally (M7)', () => {
    expect(parse(`${hash}  %2e%2e%2fx\n`).entries[0]?.name).toBe('%2e%2e%2fx');
  });

  it('keeps sub-paths, for patterns that ask for them (M6)', () => {
    expect(parse(`${hash}  dir/foo_1.raw\n`).entries[0]?.name).toBe('dir/foo_1.raw');
  });

  it.each([
    ['CRLF (M1)', `${hash}  a\r\n`, ':1: CRLF'],
    ['mixed line ends (M1)', `${hash}  a\n${hash}  b\r\n`, ':2: CRLF'],
    ['one space (M2)', `${hash} a\n`, ':1: expected 64 hex'],
    ['a tab (M2)', `${hash}\ta\n`, ':1: expected 64 hex'],
    ['BSD style (M2)', `SHA256 (a) = ${hash}\n`, ':1: expected 64 hex'],
    ['no name (M2)', `${hash}  \n`, ':1: expected 64 hex'],
    ['a blank line', `${hash}  a\n\n${hash}  b\n`, ':2: expected 64 hex'],
    ['a comment', `# list\n`, ':1: expected 64 hex'],
    ['.. (M4)', `${hash}  ../x\n`, ':1: "../x" is not a plain file name'],
    ['./ (M4)', `${hash}  ./x\n`, ':1:'],
    ['a/../b (M4)', `${hash}  a/../b\n`, ':1:'],
    ['a//b (M4)', `${hash}  a//b\n`, ':1:'],
    ['a/ (M4)', `${hash}  a/\n`, ':1:'],
    ['absolute (M5)', `${hash}  /etc/shadow\n`, ':1:'],
    ['a drive letter (M5)', `${hash}  C:\\x\n`, ':1:'],
    ['a home (M5)', `${hash}  ~/x\n`, ':1:'],
    ['63 digits (M12)', `${hash.slice(1)}  a\n`, ':1:'],
    ['65 digits (M12)', `a${hash}  a\n`, ':1:'],
    ['no hex (M12)', `${'g'.repeat(64)}  a\n`, ':1:'],
    ['two hashes for a name', `${hash}  a\n${other}  a\n`, ':2: a is listed twice'],
    ['no final newline (M13)', `${hash}  a\n${hash}  b`, ':2: truncated'],
    ['NUL (M18)', `${hash}  a\0b\n`, ':1: holds a NUL'],
    ['a byte order mark (M18)', `\ufeff${hash}  a\n`, ':1: begins with a byte order mark'],
    ['a date that is none (M22)', `${EMPTY_SHA256}  BEST-BEFORE-2026-02-30\n`, ':1: BEST-BEFORE-2026-02-30'],
  ])('refuses %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(TrustError);
    expect(() => parse(text)).toThrow(`${url}${message}`);
  });

  it('refuses bytes that are not UTF-8 (M18)', () => {
    expect(() => parse(Buffer.concat([Buffer.from(`${hash}  `), Buffer.from([0xff, 0xfe, 0x0a])]))).toThrow(
      'not UTF-8',
    );
  });

  it.each([
    ['a name of 256 bytes (M17)', 'x'.repeat(256)],
    ['an escape character (M19)', 'a\u001b[2Jb'],
    ['a bidi override (M19)', 'a\u202eb'],
    ['a zero-width space (M19)', 'a\u200bb'],
  ])('leaves out %s with a warning', (_, name) => {
    const manifest = parse(`${hash}  ${name}\n${hash}  good\n`);
    expect(manifest.entries.map((entry) => entry.name)).toEqual(['good']);
    expect(manifest.warnings).toHaveLength(1);
  });

  it('reads 12,000 lines of any order to the same entries (M16)', () => {
    const lines = Array.from({ length: 12_000 }, (_, index) => `${hash}  f_${index}.raw`);
    const forwards = parse(`${lines.join('\n')}\n`).entries.map(({ name }) => name);
    const backwards = parse(`${lines.toReversed().join('\n')}\n`).entries.map(({ name }) => name);
    expect(forwards).toHaveLength(12_000);
    expect(backwards.toSorted()).toEqual(forwards.toSorted());
  });
});

describe('checkFreshness', () => {
  const at = (date: string) => new Date(date);
  const manifest = parse(`${EMPTY_SHA256}  BEST-BEFORE-2026-11-20\n${EMPTY_SHA256}  BEST-BEFORE-2027-01-01\n`);

  it('takes the earliest of several days (M21)', () => {
    expect(manifest.bestBefore).toBe('2026-11-20');
  });

  it('accepts the whole of the day itself (D10)', () => {
    expect(() => checkFreshness(manifest, url, at('2026-11-20T23:59:59Z'))).not.toThrow();
  });

  it('refuses the day after', () => {
    expect(() => checkFreshness(manifest, url, at('2026-11-21T00:00:00Z'))).toThrow(PolicyError);
  });

  it('ignores the entry in a sub-directory (M22)', () => {
    expect(parse(`${EMPTY_SHA256}  sub/BEST-BEFORE-2020-01-01\n`).bestBefore).toBeUndefined();
  });
});
