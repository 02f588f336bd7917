/**
 * Manifests, patterns and versions, as extupdate and as systemd-sysupdate 262 read them.
 * `EXTUPDATE_TEST_PARSED=N` (of each) and `EXTUPDATE_TEST_SEED=N` for more than the sample.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIni } from '../../../src/definition/ini.ts';
import { parseTransfer } from '../../../src/definition/transfer.ts';
import { ExtupdateError } from '../../../src/errors.ts';
import { listOffered } from '../../../src/source/list-offered.ts';
import { checkFreshness, parseManifest } from '../../../src/source/manifest.ts';
import type { Transfer } from '../../../src/types.ts';
import { compareVersions, newestFirst } from '../../../src/version/compare.ts';
import type { Wildcard } from '../../../src/version/pattern.ts';
import { anyVersion, validVersion } from '../../fuzz/targets/versions.ts';
import { hostUnavailable } from '../../support/systemd-host.ts';
import { definition } from '../../support/world.ts';
import { contestedTexts, fieldTexts, generatedManifest, generatedPattern, oddLines } from './generated.ts';
import { expectOnlyListed } from './listed-differences.ts';
import {
  type Differing,
  fieldDifferences,
  isSameAnswer,
  manifestDifferences,
  patternDifferences,
} from './parser-differences.ts';
import { askSystemd, type Question, runInForky } from './systemd-lists.ts';

const count = Number(process.env.EXTUPDATE_TEST_PARSED ?? 60);
const seed = Number(process.env.EXTUPDATE_TEST_SEED ?? 1);
const timeout = 120_000 + count * 500;
const digits = 'ab'.repeat(32);
const appPattern = 'app_@v.raw';

const reason = hostUnavailable();
if (reason !== undefined && process.env.CI) throw new Error(`the comparison of parsers must run in CI: ${reason}`);
if (reason !== undefined) console.warn(`skipped: comparison of parsers with systemd-sysupdate: ${reason}`);

describe.skipIf(reason !== undefined)('what systemd 262 reads', () => {
  it('of manifests', { timeout }, async () => {
    const now = new Date();
    const today = now.toISOString().slice(0, 10);
    // Every oddity by itself, and then together with others.
    const alone = oddLines(today).map((line) => Buffer.from(`${digits}  app_1.raw\n${line}\n`));
    const texts = [...alone, ...fc.sample(generatedManifest(today), { numRuns: count, seed })];
    await compare(
      'manifests',
      texts.map((text) => ({ text: text.toString('latin1'), question: questionOf(appPattern, text) })),
      manifestDifferences,
    );
  });

  it('of patterns', { timeout }, async () => {
    const cases = fc.sample(generatedPattern, { numRuns: count, seed });
    await compare(
      'patterns',
      cases.map(({ text, names }) => ({
        text,
        question: questionOf(text, names.map((name) => `${digits}  ${name}\n`).join('')),
      })),
      patternDifferences,
    );
  });

  it('of fields in names', { timeout }, async () => {
    const fields = (Object.keys(fieldTexts) as Wildcard[]).filter((letter) => letter !== 'v');
    const cases = fields.map((letter) => ({
      letter,
      texts: [...new Set([...fieldTexts[letter], ...(contestedTexts[letter] ?? [])])],
    }));
    const questions = cases.map(({ letter, texts }) =>
      questionOf(`app_@v_@${letter}_`, texts.map((text, index) => `${digits}  app_${index}_${text}_\n`).join('')),
    );
    const answers = await askSystemd(questions);
    const both = cases.flatMap(({ letter, texts }, number) => {
      const { extupdate } = askExtupdate(questions[number] ?? questionOf('', ''));
      return texts.map((text, index): Differing => {
        const only = (versions: readonly string[] | undefined) =>
          versions?.filter((version) => version === String(index));
        return {
          text: `@${letter} ${text}`,
          extupdate: only(extupdate),
          systemd: only(answers[number]?.versions),
          why: '',
          said: '',
        };
      });
    });
    expectOnlyListed(
      'fields',
      both.length,
      both.filter((one) => !isSameAnswer(one)),
      fieldDifferences,
    );
  });

  it('of versions, in their order', { timeout }, async () => {
    const size = 200;
    const lists = fc.sample(fc.uniqueArray(validVersion, { minLength: size, maxLength: size }), {
      numRuns: Math.ceil(count / 20),
      seed,
    });
    const answers = await askSystemd(
      lists.map((versions) =>
        questionOf(appPattern, versions.map((version) => `${digits}  app_${version}.raw\n`).join('')),
      ),
    );
    for (const [index, { versions, said }] of answers.entries()) {
      const sorted = (lists[index] ?? []).toSorted(newestFirst);
      // Versions that UAPI.10 holds equal are one, of which systemd shows one.
      const once = sorted.filter((version) => versions?.includes(version));
      expect(once, said).toEqual(versions);
      const shown = (version: string) => once.some((other) => compareVersions(version, other) === 0);
      expect(sorted.filter((version) => !shown(version))).toEqual([]);
    }
    console.log(
      `versions: ${lists.length} lists of ${size} in the same order, ${(lists.length * size * (size - 1)) / 2} pairs`,
    );
  });

  it('of any text as a version', { timeout }, async () => {
    const text = anyVersion.filter((one) => one !== '' && !/[\0\ud800-\udfff]/.test(one));
    const pairs = fc.sample(fc.tuple(text, text), { numRuns: count * 2, seed });
    const quoted = (word: string) => `'${word.replaceAll("'", String.raw`'\''`)}'`;
    const script = pairs
      .map(([a, b]) => `systemd-analyze compare-versions -- ${quoted(a)} ${quoted(b)} >/dev/null; echo $?`)
      .join('\n');
    const { stdout, stderr } = await runInForky(script);
    const expected: Readonly<Record<string, number>> = { 0: 0, 11: 1, 12: -1 };
    const found = stdout
      .trim()
      .split('\n')
      .map((status) => expected[status]);
    const ours = pairs.map(([a, b]) => Math.sign(compareVersions(a, b)));
    const differing = pairs.filter((_, index) => ours[index] !== found[index]);
    expect(differing, stderr).toEqual([]);
  });
});

function questionOf(pattern: string, manifest: Uint8Array | string): Question {
  return { sourceType: 'url-file', pattern, files: { SHA256SUMS: manifest } };
}

/** Asks both about each, and expects that they differ in what is listed only. */
async function compare(
  what: string,
  cases: readonly { readonly text: string; readonly question: Question }[],
  listed: Parameters<typeof expectOnlyListed<Differing>>[3],
): Promise<void> {
  const answers = await askSystemd(cases.map(({ question }) => question));
  const both = cases.map(({ text, question }, index): Differing => {
    const { versions, said = '' } = answers[index] ?? {};
    return { text, ...askExtupdate(question), systemd: versions, said: said.split('\n').slice(-3).join(' ') };
  });
  const differing = both.filter((one) => !isSameAnswer(one));
  expectOnlyListed(what, cases.length, differing, listed);
  const agreed = both.filter(({ systemd }) => systemd?.length).length;
  expect(agreed, 'enough of them have versions').toBeGreaterThan(cases.length / 5);
}

/** What extupdate makes of the same definition and list. */
function askExtupdate({ pattern, files }: Question): Pick<Differing, 'extupdate' | 'why'> {
  const sections = {
    Source: { Type: 'url-file', Path: 'file:///srv/source', MatchPattern: pattern },
    Target: { Type: 'regular-file', Path: '/srv/nowhere', MatchPattern: 'x_@v' },
  };
  const { transfer, problems } = parseTransfer('x', 'f', parseIni(definition(sections), 'f').assignments, {});
  if (!transfer) return { extupdate: undefined, why: problems.map(({ message }) => message).join() };
  try {
    const manifest = parseManifest(Buffer.from(files.SHA256SUMS ?? ''), 'url');
    checkFreshness(manifest, 'url', new Date());
    return { extupdate: versionsOf(transfer, manifest), why: manifest.warnings.join() };
  } catch (error) {
    if (!(error instanceof ExtupdateError)) throw error;
    return { extupdate: undefined, why: error.message };
  }
}

function versionsOf(transfer: Transfer, manifest: Parameters<typeof listOffered>[1]): string[] {
  const sorted = listOffered(transfer, manifest, 'url', [])
    .map(({ version }) => version)
    .sort(newestFirst);
  return sorted.filter((version, index) => index === 0 || compareVersions(version, sorted[index - 1] ?? '') !== 0);
}
