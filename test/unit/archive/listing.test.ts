import { describe, expect, it } from 'vitest';
import { parseListingLine } from '../../../src/archive/listing.ts';

const entry = (line: string) => {
  const parsed = parseListingLine(line);
  return parsed?.kind === 'entry' ? parsed.entry : undefined;
};

describe('an entry', () => {
  it.each([
    ['-rw-r--r-- 0/0               7 2026-01-31 12:00:00 "a b"', { kind: 'file', name: 'a b', size: 7 }],
    ['drwxr-xr-x 0/0               0 1969-12-31 23:59:55 "./"', { kind: 'directory', name: './' }],
    ['lrwxrwxrwx 0/0               0 1970-01-01 00:00:00 "l" -> "/x y"', { kind: 'symlink', target: '/x y' }],
    ['hrw-r--r-- 0/0               0 1970-01-01 00:00:00 "h" link to "a"', { kind: 'hardlink', target: 'a' }],
    ['crw-r--r-- 0/0             5,1 1970-01-01 00:00:00 "c"', { kind: 'other', type: 'c', size: 0 }],
    ['?rw-r--r-- 0/0 0 1970-01-01 00:00:00 "n" unknown file type \'Z\'', { kind: 'other', type: '?' }],
    ['Mrw-r--r-- 0/0 0 1970-01-01 00:00:00 "n"--Continued at byte 0--', { kind: 'other', type: 'M' }],
    ['-rwsr-sr-t* 4294967295/1000   1 1970-01-01 00:00:01.5 "x"', { kind: 'file', hasXattrs: true, size: 1 }],
    ['-rw-r--r--+ 0/0 1152921504606846976 99999999999999999 "x"', { hasXattrs: false, size: 2 ** 60 }],
  ])('%s', (text, expected) => {
    expect(entry(`block 3: ${text}`)).toMatchObject(expected);
  });

  it('has its name as it is in the archive: quotes, arrows, newlines and bytes that are no ASCII', () => {
    const quoted = String.raw`"a\" -> \"b\nc\t\033\303\244\\n" -> "x\" -> \"y\177"`;
    expect(entry(`block 0: lrwxrwxrwx 0/0 0 1970-01-01 00:00:00 ${quoted}`)).toMatchObject({
      name: 'a" -> "b\nc\t\x1b\xc3\xa4\\n',
      target: 'x" -> "y\x7f',
    });
  });
});

describe('a line that tar prints of a damaged archive is no entry', () => {
  it.each([
    ['two lines in one', 'block 2: block 2: -rw-r--r-- 0/0 0 1970-01-01 00:00:00 "z"'],
    ['a name without an end', 'block 2: -rw-r--r-- 0/0 0 1970-01-01 00:00:00 "aaaa'],
    ['a link without a target', 'block 2: lrw-r--r-- 0/0 0 1970-01-01 00:00:00 "a"'],
    ['a target of what is no link', 'block 2: -rw-r--r-- 0/0 0 1970-01-01 00:00:00 "a" -> "b"'],
    ['nothing', ''],
  ])('%s', (_, line) => {
    expect(parseListingLine(line)).toBeUndefined();
  });
});

it('the end is told with its offset, and whether a mark stands there', () => {
  expect(parseListingLine('block 3: ** Block of NULs **')).toEqual({ kind: 'end', offset: 1536, marked: true });
  expect(parseListingLine('block 1: ** End of File **')).toEqual({ kind: 'end', offset: 512, marked: false });
});
