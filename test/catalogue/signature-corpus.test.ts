/** Table S of the fault catalogue, signature by signature: the corpus of test/fixtures/openpgp, judged at one fixed time. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { openCorpus } from '../support/openpgp-corpus.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const directory = here('../fixtures/openpgp/corpus');
const { vectors, now, answer } = openCorpus(directory);

describe('the corpus', () => {
  const titled = vectors.map((vector) => [vector.cases.join(', ') || 'S–', vector.name, vector] as const);
  it.each(titled)('%s: %s', async (_cases, _name, vector) => {
    const { exit, message, next, verdicts, notices, good } = await answer(vector);
    expect({ exit, verdicts }, message).toEqual({ exit: vector.exit, verdicts: vector.verdicts });
    expect(message).toMatch(vector.exit === 0 ? /^$/ : new RegExp(vector.message ?? '.'));
    expect(next).toMatch(vector.exit === 0 ? /^$/ : /./);
    expect(notices.join('\n')).toMatch(vector.notice ?? /^$/);
    expect(good.length > 0).toBe(exit === 0);
    for (const { fingerprint, created } of good) {
      expect(fingerprint).toMatch(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
      expect(created.getTime()).toBeLessThan(now.getTime() + 600_000);
    }
  });

  it('has at least 60 vectors by gpg alone, and every number of table S that is about a signature', () => {
    expect(vectors.filter(({ by }) => by === 'gpg').length).toBeGreaterThanOrEqual(60);
    const numbers = [...Array.from({ length: 19 }, (_, index) => 27 + index), 48, 50, 51, 52, 55, 57];
    const covered = new Set(vectors.flatMap(({ cases }) => cases));
    expect(numbers.filter((number) => !covered.has(`S${number}`))).toEqual([]);
  });

  it('gets the same answers from the build of openpgp that is shipped', async () => {
    const scratch = mkdtempSync(join(tmpdir(), 'extupdate-corpus-'));
    try {
      const outfile = join(scratch, 'corpus.mjs');
      const contents = `
        import { openCorpus } from './openpgp-corpus.ts';
        const { vectors, answer } = openCorpus(process.argv[2]);
        const answers = [];
        for (const vector of vectors) {
          const { exit, verdicts } = await answer(vector);
          answers.push([vector.name, exit, verdicts]);
        }
        process.stdout.write(JSON.stringify(answers));`;
      await build({
        stdin: { contents, resolveDir: here('../support'), loader: 'ts' },
        bundle: true,
        format: 'esm',
        platform: 'node',
        outfile,
        alias: { openpgp: here('../../node_modules/openpgp/dist/lightweight/openpgp.min.mjs') },
        logLevel: 'warning',
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      });
      const answers = JSON.parse(execFileSync(process.execPath, [outfile, directory], { encoding: 'utf8' }));
      const expected = vectors.map(({ name, exit, verdicts }) => [name, exit, verdicts]);
      expect(answers).toEqual(JSON.parse(JSON.stringify(expected)));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
});
