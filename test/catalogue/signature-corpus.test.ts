/** Table S of the fault catalogue, signature by signature: the corpus of test/fixtures/openpgp, judged at one fixed time. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ExtupdateError } from '../../src/errors.ts';
import { parseKeyrings, type TrustedKey } from '../../src/verify/keyring.ts';
import { judgeSignatures, type SignaturePolicy, verifySignature } from '../../src/verify/signature.ts';

interface Vector {
  readonly name: string;
  /** Of the fault catalogue. */
  readonly cases: readonly string[];
  readonly by: string;
  readonly data?: string;
  readonly signature: string;
  readonly keyrings: readonly string[];
  readonly policy?: Partial<SignaturePolicy>;
  /** 0, or that of the error. */
  readonly exit: number;
  /** Of each signature; not there when the file, or the keyring, is refused as a whole. */
  readonly verdicts?: readonly string[];
  readonly message?: string;
  readonly notice?: string;
}

const read = (name: string) => readFileSync(new URL(`../fixtures/openpgp/corpus/${name}`, import.meta.url));
const corpus = JSON.parse(read('corpus.json').toString()) as {
  readonly now: string;
  readonly data: string;
  readonly vectors: readonly Vector[];
};
const lenient: SignaturePolicy = { now: new Date(corpus.now), allowExpiredKey: false, signedBy: [], threshold: 1 };

/** What became of a vector: 0, or the exit status and the message of the error. */
async function answer(vector: Vector) {
  const notices: string[] = [];
  const policy = { ...lenient, ...vector.policy };
  const data = read(vector.data ?? corpus.data);
  let keys: TrustedKey[] = [];
  try {
    keys = await parseKeyrings(vector.keyrings.map((path) => ({ path, bytes: read(path) })));
    const ring = keys.map(({ key }) => key);
    const good = await verifySignature(data, read(vector.signature), ring, policy, vector.signature, (text) =>
      notices.push(text),
    );
    return { exit: 0, message: '', good, notices, ring };
  } catch (error) {
    if (!(error instanceof ExtupdateError)) throw error;
    expect(error.next, `a next step for: ${error.message}`).toBeTruthy();
    return { exit: error.exit, message: error.message, good: [], notices, ring: keys.map(({ key }) => key) };
  }
}

describe('the corpus', () => {
  const titled = corpus.vectors.map((vector) => [vector.cases.join(', ') || 'S–', vector.name, vector] as const);
  it.each(titled)('%s: %s', async (_cases, _name, vector) => {
    const { exit, message, good, notices, ring } = await answer(vector);
    const told = { exit, message: message !== '' && new RegExp(vector.message ?? '').test(message) };
    expect(told, message).toEqual({ exit: vector.exit, message: vector.exit !== 0 });
    expect(notices.join('\n')).toMatch(vector.notice ?? /^$/);
    if (vector.verdicts === undefined) return;
    const policy = { ...lenient, ...vector.policy };
    const data = read(vector.data ?? corpus.data);
    const verdicts = await judgeSignatures(data, read(vector.signature), ring, policy, vector.signature);
    expect(verdicts.map((verdict) => (verdict.accepted ? 'accepted' : verdict.code))).toEqual(vector.verdicts);
    // Who signed, and when, is told of what counts.
    for (const { fingerprint, created } of good) {
      expect(ring.map((key) => key.getFingerprint())).toContain(fingerprint);
      expect(created.getTime()).toBeLessThan(lenient.now.getTime() + 600_000);
    }
  });

  it('has at least 60 vectors by gpg alone, and every number of table S that is about a signature', () => {
    expect(corpus.vectors.filter(({ by }) => by === 'gpg').length).toBeGreaterThanOrEqual(60);
    const numbers = [
      ...[27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45],
      48,
      50,
      51,
      52,
      55,
      57,
    ];
    const covered = new Set(corpus.vectors.flatMap(({ cases }) => cases));
    expect(numbers.filter((number) => !covered.has(`S${number}`))).toEqual([]);
  });
});
