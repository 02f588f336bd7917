/** The fault catalogue, M: what a line may look like (reliability.md section 2). */
import { describe, expect, it } from 'vitest';
import { PolicyError, TrustError } from '../../src/errors.ts';
import { checkFreshness, EMPTY_SHA256, parseManifest } from '../../src/source/manifest.ts';

const url = 'https://example.com/SHA256SUMS';
const hash = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const parse = (text: string | Uint8Array) => parseManifest(Buffer.from(text), url);

describe('parseManifest', () => {
  it.each([
    ['M2: two blanks', `${hash}  foo_1.raw\n`],
    ['M2: binary mark', `${hash} *foo_1.raw\n`],
    ['M12: upper case', `${hash.toUpperCase()}  foo_1.raw\n`],
    ['M9: the same entry twice', `${hash}  foo_1.raw\n${hash} *foo_1.raw\n`],
  ])('%s: accepted', (_, text) => {
    expect(parse(text).entries).toEqual(new Map([['foo_1.raw', hash]]));
  });

  it('M14: takes an empty list for one without versions', () => {
    expect(parse('').entries.size).toBe(0);
  });

  it('M7: takes percent signs literally', () => {
    expect([...parse(`${hash}  %2e%2e%2fx\n`).entries.keys()]).toEqual(['%2e%2e%2fx']);
  });

  it('M6: keeps sub-paths, for patterns that ask for them', () => {
    expect([...parse(`${hash}  dir/foo_1.raw\n`).entries.keys()]).toEqual(['dir/foo_1.raw']);
  });

  it.each([
    ['M1: CRLF', `${hash}  a\r\n`, ':1: CRLF'],
    ['M1: mixed line ends', `${hash}  a\n${hash}  b\r\n`, ':2: CRLF'],
    ['M2: one space', `${hash} a\n`, ':1: expected 64 hex'],
    ['M2: a tab', `${hash}\ta\n`, ':1: expected 64 hex'],
    ['M2: BSD style', `SHA256 (a) = ${hash}\n`, ':1: expected 64 hex'],
    ['M2: no name', `${hash}  \n`, ':1: expected 64 hex'],
    ['M2: a blank line', `${hash}  a\n\n${hash}  b\n`, ':2: expected 64 hex'],
    ['M2: a comment', `# list\n`, ':1: expected 64 hex'],
    ['M4: ..', `${hash}  ../x\n`, ':1: "../x" is not a plain file name'],
    ['M4: ./', `${hash}  ./x\n`, ':1:'],
    ['M4: a/../b', `${hash}  a/../b\n`, ':1:'],
    ['M4: a//b', `${hash}  a//b\n`, ':1:'],
    ['M4: a/', `${hash}  a/\n`, ':1:'],
    ['M5: absolute', `${hash}  /etc/shadow\n`, ':1:'],
    ['M5: a drive letter', `${hash}  C:\\x\n`, ':1:'],
    ['M5: a home', `${hash}  ~/x\n`, ':1:'],
    ['M12: 63 digits', `${hash.slice(1)}  a\n`, ':1:'],
    ['M12: 65 digits', `a${hash}  a\n`, ':1:'],
    ['M12: no hex', `${'g'.repeat(64)}  a\n`, ':1:'],
    ['M–: two hashes for a name', `${hash}  a\n${other}  a\n`, ':2: a is listed twice'],
    ['M13: no final newline', `${hash}  a\n${hash}  b`, ':2: truncated'],
    ['M18: NUL', `${hash}  a\0b\n`, ':1: holds a NUL'],
    ['M18: a byte order mark', `\ufeff${hash}  a\n`, ':1: begins with a byte order mark'],
    ['M22: a date that is none', `${EMPTY_SHA256}  BEST-BEFORE-2026-02-30\n`, ':1: BEST-BEFORE-2026-02-30'],
  ])('%s: refused', (_, text, message) => {
    expect(() => parse(text)).toThrow(TrustError);
    expect(() => parse(text)).toThrow(`${url}${message}`);
  });

  it('M18: refuses bytes that are not UTF-8', () => {
    expect(() => parse(Buffer.concat([Buffer.from(`${hash}  `), Buffer.from([0xff, 0xfe, 0x0a])]))).toThrow(
      'not UTF-8',
    );
  });

  it.each([
    ['M17: a name of 256 bytes', 'x'.repeat(256)],
    ['M19: an escape character', 'a\u001b[2Jb'],
    ['M19: a bidi override', 'a\u202eb'],
    ['M19: a zero-width space', 'a\u200bb'],
  ])('%s: left out, with a warning', (_, name) => {
    const manifest = parse(`${hash}  ${name}\n${hash}  good\n`);
    expect([...manifest.entries.keys()]).toEqual(['good']);
    expect(manifest.warnings).toHaveLength(1);
  });

  it('M16: reads 12,000 lines of any order to the same entries', () => {
    const lines = Array.from({ length: 12_000 }, (_, index) => `${hash}  f_${index}.raw`);
    const forwards = [...parse(`${lines.join('\n')}\n`).entries.keys()];
    const backwards = [...parse(`${lines.toReversed().join('\n')}\n`).entries.keys()];
    expect(forwards).toHaveLength(12_000);
    expect(backwards.toSorted()).toEqual(forwards.toSorted());
  });
});

describe('checkFreshness', () => {
  const at = (date: string) => new Date(date);
  const manifest = parse(`${EMPTY_SHA256}  BEST-BEFORE-2026-11-20\n${EMPTY_SHA256}  BEST-BEFORE-2027-01-01\n`);

  it('M21: takes the earliest of several days', () => {
    expect(manifest.bestBefore).toBe('2026-11-20');
  });

  it('M21: the whole of the day itself is good', () => {
    expect(() => checkFreshness(manifest, url, at('2026-11-20T23:59:59Z'))).not.toThrow();
  });

  it('M21: the day after is not', () => {
    expect(() => checkFreshness(manifest, url, at('2026-11-21T00:00:00Z'))).toThrow(PolicyError);
  });

  it('M22: ignores the entry in a sub-directory', () => {
    expect(parse(`${EMPTY_SHA256}  sub/BEST-BEFORE-2020-01-01\n`).bestBefore).toBeUndefined();
  });
});
