/** Lists and patterns for both: mostly good, with an oddity or two in each, so that a verdict can be put down to it. */
import fc from 'fast-check';
import { EMPTY_SHA256 } from '../../../src/source/manifest.ts';
import type { Wildcard } from '../../../src/version/pattern.ts';

const digits = 'ab'.repeat(32);
const version = fc.constantFrom('1', '2', '1.0', '10', '1~rc1', '2^3', '3-1', 'a', '1_2', '1+k3s1', '0.9', '11.0.4');
const goodLine = fc
  .tuple(fc.constantFrom('  ', ' *'), version)
  .map(([blank, one]) => `${digits}${blank}app_${one}.raw`);

const oddNames = [
  ...[
    '../x',
    './x',
    'a/../b',
    'a//b',
    'a/',
    'a/.',
    '/etc/x',
    '//h/x',
    'C:\\x',
    'C:/x',
    '~/x',
    '~x',
    'x~',
    'x\\y',
    '\\x',
  ],
  ...[
    '%2e%2e%2fx',
    '%41',
    '%00',
    '%',
    'x%zz',
    'sub/app_9.raw',
    'x'.repeat(255),
    'x'.repeat(256),
    'a\x1b[2Jb',
    'a\x7fb',
  ],
  ...[
    'a\x01b',
    'a\tb',
    'a\u0085b',
    'a\u202eb',
    'a\u200bb',
    'a\ufeffb',
    'SHA256SUMS',
    'SHA256SUMS.gpg',
    'app_9.raw.sig',
  ],
  ...[
    'app_.raw',
    'app_+.raw',
    'app_\u00e4.raw',
    `app_${'1'.repeat(128)}.raw`,
    `app_${'1'.repeat(129)}.raw`,
    'app_1 2.raw',
  ],
  ...[
    'app_..raw',
    'app_.1.raw',
    '*',
    '-',
    ' x',
    'x ',
    '.',
    '..',
    '...',
    '.hidden',
    '\u00e4',
    '\u{1f600}',
    'x|y',
    'x?y',
    '$x',
  ],
];

/** Lines with something in them; `today` is the machine's day. */
export function oddLines(today: string): string[] {
  const dates = ['2020-01-01', '2099-01-01', today, '2026-02-30', '2099-1-1', '2099-01-01x', 'x', ''];
  return [
    ...oddNames.map((name) => `${digits}  ${name}`),
    ...[...dates.map((date) => `BEST-BEFORE-${date}`), 'sub/BEST-BEFORE-2020-01-01'].map(
      (name) => `${EMPTY_SHA256}  ${name}`,
    ),
    `${digits}  BEST-BEFORE-2020-01-01`,
    `${digits}  BEST-BEFORE-2099-01-01`,
    ...[
      `${digits} app_9.raw`,
      `${digits}\tapp_9.raw`,
      `${digits}app_9.raw`,
      `${digits}   app_9.raw`,
      `${digits} -app_9.raw`,
    ],
    ...[
      `SHA256 (app_9.raw) = ${digits}`,
      `${digits}  `,
      `${digits} *`,
      digits,
      '',
      ' ',
      '# list',
      `\\${digits}  app_9.raw`,
    ],
    ...[
      `${digits.slice(1)}  app_9.raw`,
      `${digits}0  app_9.raw`,
      `${'g'.repeat(64)}  app_9.raw`,
      ` ${digits}  app_9.raw`,
    ],
    ...[
      `${digits.toUpperCase()}  app_9.raw`,
      `${digits}  app_9.raw\r`,
      `${digits}  app_9.raw\0`,
      `${'cd'.repeat(32)}  app_1.raw`,
    ],
    ...[`${'0'.repeat(64)}  app_9.raw`, `${EMPTY_SHA256}  app_9.raw`, `${digits} *app_1.raw`],
  ];
}

/** A whole list. */
export function generatedManifest(today: string): fc.Arbitrary<Buffer> {
  const odd = fc.constantFrom(...oddLines(today));
  const lines = fc
    .tuple(
      fc.array(goodLine, { maxLength: 3 }),
      fc.array(odd, { minLength: 1, maxLength: 1 }),
      fc.array(goodLine, { maxLength: 2 }),
    )
    .map((parts) => parts.flat());
  const ending = fc.oneof({ weight: 15, arbitrary: fc.constant('\n') }, fc.constantFrom('', '\n\n', '\n\0'));
  const beginning = fc.oneof({ weight: 30, arbitrary: fc.constant('') }, fc.constantFrom('\ufeff', '\n'));
  const text = fc.tuple(beginning, lines, ending).map(([start, all, end]) => Buffer.from(start + all.join('\n') + end));
  return fc.oneof(
    { weight: 30, arbitrary: text },
    fc.constantFrom(Buffer.alloc(0), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(`${digits}  app_1.raw\n`, 'utf16le')),
  );
}

/** What may stand in a name for a wildcard, right and wrong. */
export const fieldTexts: Readonly<Record<Wildcard, readonly string[]>> = {
  v: ['1', '1.0', '2~rc1', 'a_b', '1+k3s1', '\u00e4', '1'.repeat(128), '-', '^1', '1:2'],
  u: [
    'ab'.repeat(16),
    'AB'.repeat(16),
    '01234567-89ab-cdef-0123-456789abcdef',
    'ab',
    '0'.repeat(32),
    `${'ab'.repeat(8)}-${'ab'.repeat(8)}`,
  ],
  f: ['0', '1', 'ffffffffffffffff', '0x1', '0X1', 'g', '1'.repeat(17), '-1'],
  a: ['1', '0', 'yes', 'no', 'TRUE', 'maybe', 'on', ''],
  g: ['1', '0', 'y', 'n', 'off', '2'],
  r: ['1', '0', 't', 'f', 'Yes', 'x'],
  t: ['0', '1', '1700000000000000', '-1', '18446744073709551615', '18446744073709551616', '1.5', '010'],
  m: ['644', '0644', '755', '0775', '777', '4755', '9', '00644', '1'],
  s: ['0', '4096', '18446744073709551615', '99999999999999999999', '4K', '-1', '010'],
  d: ['0', '3', '999', '99999999999999999999', '-1', '03'],
  l: ['0', '3', '999', '18446744073709551615', 'x', '03'],
  h: ['ab'.repeat(32), 'AB'.repeat(32), 'ab'.repeat(31), `${'ab'.repeat(32)}0`],
};
/** What is tried for each by itself only, because the answers differ. */
export const contestedTexts: Readonly<Partial<Record<Wildcard, readonly string[]>>> = {
  f: ['+1'],
  t: ['+1', '0x10'],
  m: ['000000644'],
  s: ['+1', '0x10'],
  d: ['+1', '0x1'],
  l: ['+1', '0x1'],
};
const literals = [
  '_',
  '-',
  '.',
  '__',
  '.raw',
  'app',
  '/',
  'dir/',
  '@@',
  '\u00e4',
  ' ',
  '+',
  '%%',
  '=',
  ',',
  '(',
  '{',
  '~',
  '#',
  ':',
  '&',
  ';',
  '"',
  "'",
];
const badLiterals = ['$', '*', '?', '[', ']', '!', '\\', '|', '<', '`', '@', '@x', '../', './', '//'];

export interface PatternCase {
  /** As it stands behind `MatchPattern=`. */
  readonly text: string;
  readonly names: readonly string[];
}

/** A pattern of some wildcards, and names that it makes, with fields that are right or nearly so. */
export const generatedPattern: fc.Arbitrary<PatternCase> = fc
  .record({
    wildcards: fc.shuffledSubarray(Object.keys(fieldTexts) as Wildcard[], { minLength: 0, maxLength: 3 }),
    at: fc.nat({ max: 3 }),
    literals: fc.array(
      fc.oneof(
        { weight: 25, arbitrary: fc.constantFrom(...literals) },
        { weight: 1, arbitrary: fc.constantFrom(...badLiterals, '') },
      ),
      {
        minLength: 5,
        maxLength: 5,
      },
    ),
    choices: fc.array(fc.array(fc.nat({ max: 20 }), { minLength: 4, maxLength: 4 }), { minLength: 40, maxLength: 40 }),
  })
  .map(({ wildcards, at, literals: between, choices }) => {
    const others = wildcards.filter((one) => one !== 'v');
    const all: Wildcard[] = [...others.slice(0, at), 'v', ...others.slice(at)];
    const text = `app_${all.map((letter, index) => `@${letter}${between[index] ?? ''}`).join('')}`;
    const fill = (choice: readonly number[]) =>
      `app_${all.map((letter, index) => pick(fieldTexts[letter], choice[index] ?? 0) + (between[index] ?? '')).join('')}`;
    const names = choices.map((choice) => fill(choice).replaceAll('@@', '@').replaceAll('%%', '%'));
    return { text, names: [...new Set(names)].filter(isListable) };
  });

function pick(texts: readonly string[], choice: number): string {
  return texts[choice % texts.length] ?? '';
}

/** Names that both take in a list; what they think of others is another question. */
function isListable(name: string): boolean {
  const parts = name.split('/');
  return (
    Buffer.byteLength(name) <= 255 &&
    !/[\\%~]/.test(name) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
