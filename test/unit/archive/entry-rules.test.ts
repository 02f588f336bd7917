import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntryRules, NAME_BYTES_MAX } from '../../../src/archive/entry-rules.ts';
import type { TarEntry } from '../../../src/archive/listing.ts';
import { PolicyError, UnsuitableError } from '../../../src/errors.ts';

const make =
  (kind: TarEntry['kind'], type: string) =>
  (name: string, extra: Partial<TarEntry> | string = {}) => ({
    ...{ kind, type, name, target: undefined, size: 0, hasXattrs: false },
    ...(typeof extra === 'string' ? { target: extra } : extra),
  });
const file = make('file', '-');
const dir = make('directory', 'd');
const link = make('symlink', 'l');
const hard = make('hardlink', 'h');

function judge(entries: readonly TarEntry[], limits = {}): EntryRules {
  const rules = new EntryRules('x.tar', { maxBytes: 1000, ...limits });
  for (const entry of entries) rules.add(entry);
  rules.finish();
  return rules;
}

/** What a refusal says after the name of the archive. */
function refusal(entries: readonly TarEntry[], limits = {}): string {
  try {
    judge(entries, limits);
  } catch (error) {
    if (error instanceof UnsuitableError) return error.message.replace('x.tar: ', '');
    throw error;
  }
  return 'taken';
}

describe('taken', () => {
  it.each<[string, TarEntry[]]>([
    ['the root, and what is in it', [dir('./'), dir('./usr/'), file('./usr/a'), file('usr/b')]],
    ['a directory that is only implied', [file('usr/lib/a')]],
    ['a link up to the root, and no further', [dir('a/'), dir('a/b/'), link('a/b/l', '../..')]],
    ['an absolute symbolic link', [link('etc/x.wants/a.service', '/usr/lib/../a.service')]],
    ['a symbolic link through an absolute one', [link('a', '/'), link('b', 'a/../../..')]],
    ['symbolic links in a circle', [link('a', 'b'), link('b', 'a'), link('c', 'c/../x')]],
    ['a hard link to a file before it, however it is written', [file('./d/a'), hard('b', 'd//a'), hard('c', './b')]],
    ['a name twice', [file('a'), file('./a'), dir('d/'), dir('d')]],
    ['the same symbolic link twice', [link('a', 'b'), link('./a', 'b')]],
    ['a name that looks like an option', [file('--checkpoint-action=exec=sh'), file('-rf'), file('a b"\'\\c')]],
    ['a name of 4095 bytes', [file(`${'a/'.repeat(2047)}b`)]],
    ['a name that is not UTF-8', [file('a\xff\x9b')]],
    ['dots that are no components', [file('..a/...'), link('b', '..a')]],
  ])('%s', (_, entries) => {
    expect(refusal(entries)).toBe('taken');
  });
});

describe('refused', () => {
  it.each<[string, TarEntry[], string]>([
    ['no entries', [], 'the archive has no entries'],
    ['an absolute name', [file('/etc/passwd')], '"/etc/passwd": absolute name'],
    ['the root as a name', [dir('/')], '"/": absolute name'],
    ['a name that climbs', [file('a/../../b')], '"a/../../b": ".." in the name'],
    ['a name that ends in ..', [dir('a/..')], '"a/..": ".." in the name'],
    ['a newline', [file('a\nb')], '"a\\nb": control character in the name'],
    ['an escape character', [file('a\x1b[2J')], '"a\\u001b[2J": control character in the name'],
    ['a control character of two bytes', [file('a\xc2\x9b')], '"a\u009b": control character in the name'],
    [
      'a control character in a target',
      [link('a', 'b\x07')],
      '"a": control character in the target of the symbolic link',
    ],
    ['a name of 4096 bytes', [file(`${'a/'.repeat(2047)}bc`)], 'the name is longer than 4095 bytes'],
    ['a component of 256 bytes', [file(`d/${'n'.repeat(256)}`)], 'a part of the name is longer than 255 bytes'],
    ['a file as the root', [file('./')], '"./": the root of the archive is not a directory'],
    ['a link as the root', [link('.', '/etc')], '".": the root of the archive is not a directory'],
    ['a character device', [make('other', 'c')('null')], '"null": a character device'],
    ['a block device', [make('other', 'b')('sda')], '"sda": a block device'],
    ['a FIFO', [make('other', 'p')('p')], '"p": a FIFO'],
    ['a part of a volume', [make('other', 'M')('m')], '"m": a part of a multi-volume archive'],
    ['a volume label', [make('other', 'V')('v')], '"v": the label of a volume'],
    ['an unknown type', [make('other', '?')('q')], '"q": unknown type of entry (?)'],
    ['a directory with data', [dir('d/', { size: 3 })], '"d/": a directory with data (an incremental backup?)'],
    ['a link with data', [link('l', { target: 'x', size: 3 })], '"l": a link with data'],
    ['an empty symbolic link', [link('l', '')], '"l": symbolic link without a target'],
    ['a hard link to an absolute name', [hard('h', '/etc/passwd')], '"h": hard link to "/etc/passwd": absolute target'],
    ['a hard link that climbs', [file('a'), hard('h', 'x/../a')], '"h": hard link to "x/../a": ".." in the target'],
    ['a hard link to what comes later', [hard('h', 'a'), file('a')], 'not a file that stands before it'],
    ['a hard link to itself', [hard('h', 'h')], 'not a file that stands before it'],
    ['a hard link to a directory', [dir('d/'), hard('h', 'd')], 'not a file that stands before it'],
    ['a hard link to a symbolic link', [link('l', '/etc'), hard('h', 'l')], 'not a file that stands before it'],
    ['a hard link to a file that gave way', [file('a'), dir('a/'), hard('h', 'a')], 'not a file that stands before it'],
    ['a way through a link', [link('a', 'b'), file('a/c')], '"a/c": its path goes through the symbolic link "a"'],
    ['a way through a later link', [file('a/b/c'), link('./a', '/etc')], '"a/b/c": its path goes through the symbolic'],
    ['a directory through a link', [link('a', '/etc'), dir('./a/b/')], '"./a/b/": its path goes through the symbolic'],
    ['a link through a link', [link('a', '/etc'), link('a/b/c', 'd')], '"a/b/c": its path goes through the symbolic'],
    [
      'a directory, something in it, and then a link in its place',
      [dir('a/'), file('a/b'), link('a', '/etc')],
      '"a/b": its path goes through the symbolic link "a"',
    ],
    ['a directory and a link of one name', [dir('a/'), link('a', '/etc')], '"a": the name is there twice'],
    ['a link and a directory of one name', [link('a', '/etc'), dir('a/')], '"a/": the name is there twice'],
    ['a link and a file of one name', [link('a', '/etc/passwd'), file('a')], '"a": the name is there twice'],
    ['two links of one name', [link('a', 'b'), link('a', '/etc')], '"a": the name is there twice'],
    [
      'a symbolic link that climbs',
      [link('a', '..')],
      '"a": the symbolic link leads above the root of the archive: ".."',
    ],
    ['one that climbs further down', [link('d/a', 'b/../../../c')], '"d/a": the symbolic link leads above the root'],
    [
      'one that climbs by way of another',
      [link('a/b/c', '../..'), link('d', 'a/b/c/../x')],
      '"d": the symbolic link leads above the root',
    ],
  ])('%s', (_, entries, expected) => {
    expect(refusal(entries)).toContain(expected);
  });
});

describe('limits', () => {
  it('are the size of all files together, holes included', () => {
    const entries = [file('a', { size: 600 }), file('b', { size: 401 })];
    expect(() => judge(entries)).toThrow(PolicyError);
    expect(() => judge(entries)).toThrow('x.tar: "b": larger than MaxImageSize= (1000 bytes) when unpacked');
    expect(judge(entries, { maxBytes: 1001 }).bytes).toBe(1001);
  });

  it('count entries, also repeated ones, and the directories that they imply', () => {
    expect(refusal([file('a'), file('b'), file('c')], { maxEntries: 3 })).toBe('taken');
    expect(refusal([file('a'), file('a'), file('a')], { maxEntries: 2 })).toContain('"a": the archive has more than 2');
    expect(refusal([file('a/b/c')], { maxEntries: 2 })).toContain('"a/b/c": the archive has more than 2 entries');
    expect(judge([dir('a'), file('a/b'), file('c/d/e')]).count).toBe(5);
  });

  it('are the memory that names take', () => {
    const name = 'n'.repeat(200);
    const rules = new EntryRules('x.tar', { maxBytes: 0, maxEntries: Number.POSITIVE_INFINITY });
    const add = () => {
      for (let count = 0; count <= NAME_BYTES_MAX / name.length; count++) rules.add(file(name));
    };
    expect(add).toThrow('the names have more than');
  });

  it('are the work that symbolic links make', () => {
    const tangled = [link(`${'d/'.repeat(2000)}l`, 'x')];
    const up = `${'y/../'.repeat(800)}y`;
    for (let count = 0; count < 400; count++) tangled.push(link(`${'d/'.repeat(2000)}${count}`, up));
    expect(refusal(tangled)).toContain('the symbolic links are too tangled to follow');
  });
});

it('whatever is listed, nothing but a refusal is thrown, and nothing that is taken leads out of the root', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'c', '..', '.', ''), { maxLength: 4 })
    .map((parts) => parts.join('/'));
  const entry = fc.tuple(fc.constantFrom(file, dir, link, hard), name, name);
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
      const made = entries.map(([kind, path, target]) => kind(path, kind === link || kind === hard ? target : {}));
      if (refusal(made) !== 'taken') return;
      const links = new Map(
        made.filter(({ kind }) => kind === 'symlink').map((each) => [normal(each.name), each.target ?? '']),
      );
      for (const { name: path } of made) {
        expect(path.startsWith('/')).toBe(false);
        // No prefix of a path is a link.
        const parts = normal(path).split('/');
        for (let end = 1; end < parts.length; end++) expect(links.has(parts.slice(0, end).join('/'))).toBe(false);
      }
    }),
    { numRuns: 2000 },
  );
});

function normal(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
