/** Definitions and configuration: problems are told with file and line, never thrown; what is accepted is harmless. */
import fc from 'fast-check';
import { parseConfig } from '../../../src/definition/config.ts';
import { parseExtensionSettings } from '../../../src/definition/extension-settings.ts';
import { type Assignment, type Problem, parseIni } from '../../../src/definition/ini.ts';
import { SettingReader } from '../../../src/definition/setting-reader.ts';
import { expandSpecifiers } from '../../../src/definition/specifiers.ts';
import { readSuggestion } from '../../../src/definition/suggestion.ts';
import { parseTransfer } from '../../../src/definition/transfer.ts';
import { allWords, WordError } from '../../../src/definition/words.ts';
import { textOf } from '../mutations.ts';
import { ensure, type FuzzTarget, holds, unlessRefused } from '../target.ts';

const values = { a: 'x86-64', w: '1', A: '', m: '0123456789abcdef0123456789abcdef', T: '/tmp' };
const keys = [
  ...['Type', 'Path', 'MatchPattern', 'PathRelativeTo', 'InstancesMax', 'CurrentSymlink', 'Mode', 'ReadOnly', 'Verify'],
  ...['MinVersion', 'ProtectVersion', 'TriesLeft', 'Features', 'ChangeLog', 'Kind', 'MaxVersion', 'SkipVersions'],
  ...[
    'SignedBy',
    'Threshold',
    'HealthCheck',
    'HealthTimeoutSec',
    'ReloadUnits',
    'MaxImageSize',
    'RateLimit',
    'BaseURL',
  ],
  ...[
    'Credential',
    'MaintenanceWindow',
    'Schedule',
    'RandomizedDelaySec',
    'Suggest',
    'SuggestOnHost',
    '__proto__',
    'constructor',
  ],
];
const words = [
  ...['url-file', 'regular-file', 'tar', 'directory', 'subvolume', 'https://h/p', 'file:///srv', '/var/lib/extensions'],
  ...[
    '/../etc',
    '../x',
    '/./a//b',
    'app_@v.raw',
    '@v',
    '@u@v',
    '%w',
    '%a',
    '%',
    '%%',
    '\\x20',
    '\\',
    'yes',
    'no',
    '2',
    '0',
  ],
  ...['0644', '99999999999', '1.0', '1.0-rc1', '*-rc*', '[z-a]', 'AB'.repeat(20), '16G', '5M', '30d', '1h 30min', ' '],
  ...[
    'Sat 22:00-04:00',
    '0 */6 * * *',
    '61 25 * * *',
    'web.service',
    '/bin/true',
    'token',
    'esp',
    'root',
    'explicit',
    'null',
  ],
];
const section = fc.constantFrom(
  '[Transfer]',
  '[Source]',
  '[Target]',
  '[X-Extupdate]',
  '[Extupdate]',
  '[Feature]',
  '[X-Ext]',
  '[',
  '[]',
);
const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...keys), textOf(words, 3)).map(([key, value]) => `${key}=${value}`),
  },
  { weight: 2, arbitrary: section },
  { weight: 1, arbitrary: textOf(['=', ';', '#', ' ', '\\', '\0', '\ufeff', '\r'], 4) },
);
const file = fc
  .tuple(
    fc.array(fc.tuple(section, fc.array(line, { maxLength: 8 })), { maxLength: 4 }),
    fc.constantFrom('\n', '\r\n', '\\\n'),
  )
  .map(([sections, end]) => sections.map(([header, lines]) => [header, ...lines].join(end)).join('\n'));

function ensureTold(problems: readonly Problem[], text: string): void {
  const count = text.split('\n').length;
  for (const problem of problems) {
    ensure(
      problem.file === 'f' && problem.line >= 1 && problem.line <= count,
      `no such line: ${JSON.stringify(problem)}`,
    );
    ensure(problem.message.length > 0, 'a problem that nobody tells');
  }
}

function ensureInside(path: string): void {
  ensure(
    path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0'),
    `a path that leads elsewhere: ${path}`,
  );
}

function judgeTransfer(text: string): void {
  const { assignments, problems } = parseIni(text, 'f');
  ensureTold(problems, text);
  const parsed = parseTransfer('app', 'f', assignments, values);
  ensureTold(parsed.problems, text);
  ensureTold(parseExtensionSettings(assignments).problems, text);
  const reader = new SettingReader('f', assignments, values);
  readSuggestion(reader, 'Feature', values);
  const { transfer } = parsed;
  if (transfer === undefined) return;
  ensureInside(transfer.target.path);
  if (transfer.target.currentSymlink !== undefined) ensureInside(transfer.target.currentSymlink);
  if (!/^(https?|file):/.test(transfer.source.path)) ensureInside(transfer.source.path);
  ensure(transfer.source.patterns.length > 0 && transfer.target.instancesMax >= 2, 'a definition without sense');
}

const plain = fc.stringMatching(/^[A-Za-z0-9@._/:%-]([A-Za-z0-9@._/:% "'#;=-]{0,20}[A-Za-z0-9@._/:%-])?$/);
const assignment = fc.record({
  section: fc.constantFrom('A', 'B c', 'X-D'),
  key: fc.stringMatching(/^[A-Z][A-Za-z]{0,9}$/),
  value: plain,
});

function printed(assignments: readonly Pick<Assignment, 'section' | 'key' | 'value'>[]): string {
  return assignments.map((one) => `[${one.section}]\n${one.key} = ${one.value}\n`).join('');
}

export const definitions: FuzzTarget = {
  name: 'definitions',
  properties: [
    holds('a definition', 3000, fc.property(file, judgeTransfer)),
    holds('any text', 500, fc.property(fc.string({ maxLength: 300, unit: 'binary' }), judgeTransfer)),
    holds(
      'extupdate.conf',
      2000,
      fc.property(file, (text) => {
        const { config, problems } = parseConfig(parseIni(text, 'f').assignments);
        ensureTold(problems, text);
        ensure(config.maxImageSize > 0 && config.randomizedDelaySec >= 0, 'a limit without sense');
        ensure(config.rateLimit === undefined || config.rateLimit > 0, 'a rate without sense');
      }),
    ),
    holds(
      'what is printed is read back',
      500,
      fc.property(fc.array(assignment, { maxLength: 12 }), (all) => {
        const { assignments, problems } = parseIni(printed(all), 'f');
        ensure(problems.length === 0, JSON.stringify(problems));
        const found = assignments.map((one) => ({ section: one.section, key: one.key, value: one.value }));
        ensure(
          JSON.stringify(found) ===
            JSON.stringify(all.map(({ section: s, key, value }) => ({ section: s, key, value }))),
          JSON.stringify(found),
        );
      }),
    ),
    holds(
      'words and specifiers',
      2000,
      fc.property(
        textOf(['"', "'", '\\', ' ', '\t', 'a', 'b c', '%w', '%%', '%', '%z'], 12),
        fc.boolean(),
        fc.boolean(),
        (text, unquote, relax) => {
          const all = unlessRefused(() => [...allWords(text, { unquote, relax })], WordError);
          ensure(all !== undefined || !relax, 'refused where nothing is');
          expandSpecifiers(text, values);
        },
      ),
    ),
  ],
};
