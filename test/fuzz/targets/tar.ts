/** The rules for tar archives: what they let through stays inside, whatever unpacks it. */
import fc from 'fast-check';
import { EntryRules } from '../../../src/archive/entry-rules.ts';
import { lineSplitter } from '../../../src/archive/lines.ts';
import { type EntryKind, parseListingLine, type TarEntry } from '../../../src/archive/listing.ts';
import { TarMessages } from '../../../src/archive/tar-messages.ts';
import { PolicyError, UnsuitableError } from '../../../src/errors.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds } from '../target.ts';

/** As a listing has them: each byte a character. */
const path = textOf(['a', 'b', 'c', '/', '/', '..', '.', 'd/e', '\n', '\x1b', 'n'.repeat(256)], 7).map((text) =>
  Buffer.from(text).toString('latin1'),
);
const shortPath = fc
  .array(fc.constantFrom('a', 'b', 'c', '..', '.'), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const anyPath = fc.oneof(
  { weight: 4, arbitrary: shortPath },
  { weight: 1, arbitrary: path },
  { weight: 1, arbitrary: shortPath.map((one) => `/${one}`) },
);
const kinds: readonly EntryKind[] = ['file', 'directory', 'symlink', 'symlink', 'hardlink', 'other'];
const entry: fc.Arbitrary<TarEntry> = fc
  .record({
    kind: fc.constantFrom(...kinds),
    name: anyPath,
    target: anyPath,
    size: fc.constantFrom(0, 0, 0, 1, 2 ** 40),
    hasXattrs: fc.boolean(),
  })
  .map((one) => ({
    ...one,
    type: one.kind === 'other' ? 'c' : '-',
    size: one.kind === 'file' ? one.size : 0,
    target: one.kind === 'symlink' || one.kind === 'hardlink' ? one.target : undefined,
  }));

/** What a careless unpacker writes, link after link: the first path that leaves the root, if there is one. */
function escapeOf(entries: readonly TarEntry[]): string | undefined {
  const links = new Map<string, string>();
  for (const { kind, name, target } of entries) {
    const place = follow(name, links, 0);
    if (place === undefined) return name;
    if (kind === 'symlink') links.set(place, target ?? '');
    else links.delete(place);
    if (kind === 'hardlink' && follow(target ?? '', links, 0) === undefined) return `${name} to ${target}`;
  }
  return undefined;
}

/** Where a name leads, with the links on its way followed as a program outside of a chroot would; undefined above the root. */
function follow(name: string, links: ReadonlyMap<string, string>, depth: number): string | undefined {
  if (name.startsWith('/') || depth > 40) return undefined;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  let here: string[] = [];
  for (const [index, part] of parts.entries()) {
    if (part === '..') {
      if (here.length === 0) return undefined;
      here = here.slice(0, -1);
      continue;
    }
    const next = [...here, part];
    const target = index < parts.length - 1 ? links.get(next.join('/')) : undefined;
    if (target === undefined) {
      here = next;
      continue;
    }
    if (target.startsWith('/')) return undefined;
    const rest = [...here, target, ...parts.slice(index + 1)].join('/');
    return follow(rest, links, depth + 1);
  }
  return here.join('/');
}

const listingLine = textOf(
  [
    'block ',
    '7',
    ': ',
    '-rwxr-xr-x',
    'drwxr-xr-x',
    'lrwxrwxrwx',
    'hrw-r--r--',
    '* ',
    ' 0/0 ',
    '1234',
    '8,1',
    ' 2026-01-31 12:00:00.5 ',
  ].concat([
    '"name"',
    '"a\\"b"',
    '"\\303\\244"',
    ' -> ',
    ' link to ',
    '** Block of NULs **',
    '** End of File **',
    '"',
    '\\',
  ]),
  12,
);

export const tar: FuzzTarget = {
  name: 'tar',
  properties: [
    holds(
      'what is let through stays inside',
      6000,
      fc.property(fc.array(entry, { minLength: 1, maxLength: 8 }), (entries) => {
        const rules = new EntryRules('a.tar', { maxBytes: 2 ** 30, maxEntries: 30 });
        try {
          for (const one of entries) rules.add(one);
          rules.finish();
        } catch (error) {
          if (!(error instanceof UnsuitableError || error instanceof PolicyError)) throw error;
          ensure(!/[\r\n\x1b]/.test(error.message), `more than a line: ${error.message}`);
          return;
        }
        const escaping = escapeOf(entries);
        ensure(escaping === undefined, `leaves the root: ${escaping}`);
        ensure(
          entries.every(({ name }) => !/(^\/|(^|\/)\.\.(\/|$)|\0)/.test(name)),
          'a name that leads elsewhere',
        );
        ensure(rules.bytes <= 2 ** 30 && rules.count <= 30, 'over its limits');
      }),
    ),
    holds(
      'lines of a listing',
      4000,
      fc.property(listingLine, (line) => {
        const parsed = parseListingLine(line);
        if (parsed?.kind === 'end') ensure(parsed.offset >= 0, 'before the start');
        if (parsed?.kind !== 'entry') return;
        const { entry: found } = parsed;
        ensure(found.size >= 0 && (found.target !== undefined) === ['symlink', 'hardlink'].includes(found.kind), line);
      }),
    ),
    holds(
      'text in pieces',
      2000,
      fc.property(
        fc.array(textOf(['a', '\n', 'bc', 'x'.repeat(30)], 5)),
        fc.integer({ min: 1, max: 40 }),
        (texts, max) => {
          const split = lineSplitter(max);
          const lines = texts.flatMap((text) => split(text)).concat(split('\n'));
          const whole = `${texts.join('')}\n`
            .split('\n')
            .slice(0, -1)
            .map((line) => line.slice(0, max));
          ensure(JSON.stringify(lines) === JSON.stringify(whole), JSON.stringify(lines));
        },
      ),
    ),
    holds(
      'what tar complains of',
      1000,
      fc.property(
        fc.array(
          textOf(
            [
              'tar: ',
              'a: ',
              "Cannot set 'security.capability' extended attribute",
              'XATTR support is not available',
              'time stamp',
              'No space left on device',
              '\n',
            ],
            5,
          ),
        ),
        (lines) => {
          const messages = new TarMessages();
          for (const line of lines) messages.add(line);
          ensure(messages.notices.length <= 11, 'everything is kept');
        },
      ),
    ),
  ],
};
