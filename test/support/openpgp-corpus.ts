/** The OpenPGP corpus of test/fixtures/openpgp: its table, and what the program answers to a vector of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExtupdateError } from '../../src/errors.ts';
import { parseKeyrings } from '../../src/verify/keyring.ts';
import { judgeSignatures, type SignaturePolicy, verifySignature } from '../../src/verify/signature.ts';

export interface Vector {
  readonly name: string;
  /** Of the fault catalogue. */
  readonly cases: readonly string[];
  /** What made it: gpg alone, or packets put together by hand. */
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

export interface Answer {
  readonly exit: number;
  readonly message: string;
  readonly next: string;
  readonly verdicts?: readonly string[];
  readonly notices: readonly string[];
  /** Fingerprints of the keys whose signatures count, and when they signed. */
  readonly good: readonly { readonly fingerprint: string; readonly created: Date }[];
}

export interface Corpus {
  readonly now: Date;
  readonly vectors: readonly Vector[];
  answer(vector: Vector): Promise<Answer>;
}

/** @param directory `test/fixtures/openpgp/corpus` */
export function openCorpus(directory: string): Corpus {
  const read = (name: string) => readFileSync(join(directory, name));
  const table = JSON.parse(read('corpus.json').toString()) as { now: string; data: string; vectors: readonly Vector[] };
  const now = new Date(table.now);

  async function answer(vector: Vector): Promise<Answer> {
    const notices: string[] = [];
    const policy: SignaturePolicy = { now, allowExpiredKey: false, signedBy: [], threshold: 1, ...vector.policy };
    const data = read(vector.data ?? table.data);
    const signature = read(vector.signature);
    let verdicts: string[] | undefined;
    try {
      const keys = (await parseKeyrings(vector.keyrings.map((path) => ({ path, bytes: read(path) })))).map(
        ({ key }) => key,
      );
      const judged = await judgeSignatures(data, signature, keys, policy, vector.signature);
      verdicts = judged.map((verdict) => (verdict.accepted ? 'accepted' : verdict.code));
      const good = await verifySignature(data, signature, keys, policy, vector.signature, (text) => notices.push(text));
      return { exit: 0, message: '', next: '', verdicts, notices, good };
    } catch (error) {
      if (!(error instanceof ExtupdateError)) throw error;
      const { exit, message, next = '' } = error;
      return { exit, message, next, ...(verdicts ? { verdicts } : {}), notices, good: [] };
    }
  }
  return { now, vectors: table.vectors, answer };
}
