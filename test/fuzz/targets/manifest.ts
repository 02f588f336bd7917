/** SHA256SUMS: refused as a whole, or every name in it is harmless. */
import fc from 'fast-check';
import { PolicyError, TrustError } from '../../../src/errors.ts';
import { urlOf } from '../../../src/fetch/url.ts';
import { listOffered } from '../../../src/source/list-offered.ts';
import { checkFreshness, type Manifest, parseManifest } from '../../../src/source/manifest.ts';
import { pickNames } from '../../../src/source/pick-names.ts';
import type { Transfer } from '../../../src/types.ts';
import { parsePattern } from '../../../src/version/pattern.ts';
import { mutated, mutation, textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const base = 'https://example.com/a/b';
const digits = 'ab'.repeat(32);
const patterns = ['app_@v.raw', 'dir/app_@v_@u.raw.xz', '**/@v'].map(parsePattern);
const transfer = { id: 't', source: { patterns } } as unknown as Transfer;

const hash = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(digits, digits.toUpperCase(), '0'.repeat(64)) },
  fc.constantFrom('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', digits.slice(1), `${digits}0`),
);
const name = textOf(
  [
    'app_',
    '1',
    '.2',
    '.raw',
    '.xz',
    'dir',
    '/',
    '..',
    '.',
    '~',
    '\\',
    '%2e',
    '%2f',
    '%00',
    'C:',
    ' ',
    '*',
    '\u202e',
    '\u001b[2J',
  ].concat([
    'BEST-BEFORE-',
    '2026-11-20',
    '2026-02-30',
    'SHA256SUMS',
    '.sig',
    '\u00e4',
    '\ud83d\ude00',
    'x'.repeat(254),
  ]),
  6,
);
const line = fc
  .tuple(hash, fc.constantFrom('  ', '  ', ' *', ' *', ' ', '\t', ' -', ''), name, fc.constantFrom('', '', '', '\r'))
  .map((parts) => parts.join(''));
/** Lists that a parser has to think about. */
export const nearlyValidManifest = fc
  .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\n', '\n', ''))
  .map(([lines, end]) => lines.join('\n') + end);

/** A name that the format can carry, and its hash. */
const entry = fc.record({
  sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
  name: fc
    .array(fc.stringMatching(/^[A-Za-z0-9_.+@%^ -]{1,20}$/), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.map((part) => `n${part}`).join('/')),
});
const validEntries = fc.uniqueArray(entry, { selector: (one) => one.name, maxLength: 20 });
const printed = (entries: readonly { sha256: string; name: string }[]) =>
  entries.map((one) => `${one.sha256}  ${one.name}\n`).join('');

function judge(bytes: Uint8Array): void {
  const manifest = unlessRefused(() => parseManifest(bytes, 'url'), TrustError);
  if (manifest === undefined) return;
  ensureHarmless(manifest);
  unlessRefused(() => checkFreshness(manifest, 'url', new Date('2026-11-21T00:00:00Z')), PolicyError);
  const offered = unlessRefused(() => listOffered(transfer, manifest, base, ['@f.json']), TrustError);
  for (const { location } of offered ?? []) ensureBelow(location);
}

function ensureHarmless({ entries, warnings }: Manifest): void {
  for (const [found, sha256] of entries) {
    const parts = found.split('/');
    ensure(
      parts.every((part) => part !== '' && part !== '.' && part !== '..'),
      `a path that leads elsewhere: ${found}`,
    );
    ensure(!/[\0-\x1f\x7f\\\u202e]/.test(found) && !found.startsWith('~'), `a name that acts on something: ${found}`);
    ensure(Buffer.byteLength(found) <= 255, 'a name that is too long');
    ensure(/^[0-9a-f]{64}$/.test(sha256), `a hash that is none: ${sha256}`);
    ensureBelow(urlOf(base, found));
  }
  ensure(
    warnings.every((warning) => !/[\0-\x1f\x7f]/.test(warning)),
    'a warning that acts on a terminal',
  );
}

function ensureBelow(url: string): void {
  const { origin, pathname, search, hash: fragment } = new URL(url);
  const isBelow = origin === 'https://example.com' && pathname.startsWith('/a/b/') && search === '' && fragment === '';
  ensure(isBelow, `a URL that leads elsewhere: ${url}`);
}

export const manifest: FuzzTarget = {
  name: 'manifest',
  properties: [
    holds('any bytes', 2000, fc.property(fc.uint8Array({ maxLength: 400 }), judge)),
    holds(
      'text of the pieces of a list',
      4000,
      fc.property(nearlyValidManifest, (text) => judge(Buffer.from(text))),
    ),
    holds(
      'a valid list, changed',
      3000,
      fc.property(validEntries, mutation, (entries, changes) => judge(mutated(Buffer.from(printed(entries)), changes))),
    ),
    holds(
      'what is printed is read back',
      500,
      fc.property(validEntries, (entries) => {
        const { entries: found, warnings } = parseManifest(Buffer.from(printed(entries)), 'url');
        ensure(
          JSON.stringify([...found].map(([one, sha256]) => ({ sha256, name: one }))) === JSON.stringify(entries),
          'other entries',
        );
        ensure(warnings.length === 0, `warnings: ${warnings.join()}`);
      }),
    ),
    holds(
      'the order of the lines does not matter',
      500,
      fc.property(
        fc.uniqueArray(
          fc
            .constantFrom('1', '1.0', '2', '10', '1_1')
            .chain((version) => fc.constantFrom(`app_${version}.raw`, `x/${version}`, version)),
        ),
        fc.nat(),
        (names, turn) => {
          const turned = [
            ...names.slice(turn % (names.length || 1)),
            ...names.slice(0, turn % (names.length || 1)),
          ].reverse();
          const pick = (some: readonly string[]) =>
            JSON.stringify(
              pickNames(patterns, some)
                .map((one) => one.name)
                .sort(),
            );
          ensure(pick(names) === pick(turned), `${pick(names)} and ${pick(turned)}`);
        },
      ),
    ),
  ],
};
