/**
 * Detached OpenPGP signatures over manifests, judged now and not at signing time: a key that has expired or was revoked
 * since, or a weak one, counts for nothing (systemd-pull accepts all of these).
 */
import type { PublicKey } from 'openpgp';
import { PolicyError, TrustError } from '../errors.ts';
import {
  type Accepted,
  type JudgingPolicy,
  judgeSignature,
  type RefusalCode,
  type Refused,
  refusalError,
  type SignatureVerdict,
} from './judge-signature.ts';
import { splitSignatures } from './signature-packets.ts';

/** Largest signature file, in bytes. */
export const SIGNATURE_SIZE_MAX = 64 * 1024;
/** Signatures in one file that are looked at. */
const SIGNATURES_MAX = 16;

export interface SignaturePolicy extends JudgingPolicy {
  /** How many different keys have to sign. */
  readonly threshold: number;
  /** Age in seconds over which a signature is refused (freeze protection); undefined = no limit. */
  readonly maxAgeSec?: number | undefined;
}

export interface GoodSignature {
  /** Fingerprint of the primary key, lower-case hex. */
  readonly fingerprint: string;
  readonly created: Date;
}

/**
 * Verifies a detached signature, binary or armored.
 * @param source names the signature in messages: a URL
 * @param notice told of bad signatures beside enough good ones
 * @returns the newest good signature of each key, at least `policy.threshold` of them
 * @throws TrustError; PolicyError for a signature that has expired or lies in the future
 */
export async function verifySignature(
  data: Uint8Array,
  signature: Uint8Array,
  keys: readonly PublicKey[],
  policy: SignaturePolicy,
  source: string,
  notice?: (text: string) => void,
): Promise<GoodSignature[]> {
  const verdicts = await judgeSignatures(data, signature, keys, policy, source);
  return requireEnough(verdicts, policy, source, notice);
}

/**
 * The verdict on each signature of a file, in their order.
 * @throws TrustError when the file holds no detached signature at all
 */
export async function judgeSignatures(
  data: Uint8Array,
  signature: Uint8Array,
  keys: readonly PublicKey[],
  policy: JudgingPolicy,
  source: string,
): Promise<SignatureVerdict[]> {
  if (signature.length > SIGNATURE_SIZE_MAX) {
    throw new TrustError(`${source}: larger than ${SIGNATURE_SIZE_MAX} bytes, which no signature is`, {
      next: 'this is for the publisher to mend; nothing was changed here',
    });
  }
  const verdicts: SignatureVerdict[] = [];
  for (const packet of (await splitSignatures(signature, source)).slice(0, SIGNATURES_MAX)) {
    verdicts.push(await judgeSignature(data, packet, keys, policy));
  }
  return verdicts;
}

/** @throws TrustError, PolicyError; see {@link verifySignature} */
export function requireEnough(
  verdicts: readonly SignatureVerdict[],
  policy: SignaturePolicy,
  source: string,
  notice?: (text: string) => void,
): GoodSignature[] {
  const good = new Map<string, Accepted>();
  const refusals: Refused[] = [];
  for (const verdict of verdicts) {
    if (!verdict.accepted) refusals.push(verdict);
    // One key that signs twice counts once.
    else if (verdict.created >= (good.get(verdict.fingerprint)?.created ?? new Date(0)))
      good.set(verdict.fingerprint, verdict);
  }
  const telling = refusals.sort((a, b) => TELLING.indexOf(a.code) - TELLING.indexOf(b.code))[0];
  if (good.size < policy.threshold) {
    if (good.size === 0 && telling) throw refusalError(source, telling);
    const why = telling ? `; of another signature: ${telling.text}` : '';
    throw new TrustError(`${source}: signed by ${good.size} of ${policy.threshold} required keys${why}`, {
      next: telling?.next ?? 'ask the publisher to have the other keys sign, too, or lower Threshold=',
    });
  }
  const enough = [...good.values()].map(({ fingerprint, created }) => ({ fingerprint, created }));
  checkAge(enough, policy, source);
  for (const { code, text } of refusals) {
    if (code === 'bad-signature')
      notice?.(`${source}: ${text}; the good ${good.size > 1 ? 'ones count' : 'one counts'}`);
  }
  return enough;
}

/** Which of several refusals says most: those of genuine signatures first, that of a stranger last. */
const TELLING: readonly RefusalCode[] = [
  'signature-future',
  'signature-expired',
  'key-expired',
  'key-revoked',
  'key-weak',
  'key-unsupported',
  'key-not-for-signing',
  'key-invalid',
  'not-signed-by',
  'weak-digest',
  'bad-signature',
  'unsupported',
  'malformed',
  'unknown-key',
];

/** A server that keeps showing an old list hides updates; the newest of the good signatures tells the list's age. */
function checkAge(good: readonly GoodSignature[], policy: SignaturePolicy, source: string): void {
  const newest = Math.max(...good.map(({ created }) => created.getTime()));
  if (policy.maxAgeSec === undefined || (policy.now.getTime() - newest) / 1000 <= policy.maxAgeSec) return;
  throw new PolicyError(`${source}: signed at ${new Date(newest).toISOString()}, longer ago than MaxManifestAgeSec=`, {
    next: 'ask the publisher to sign the list anew; if this machine’s clock is wrong, set it',
  });
}
