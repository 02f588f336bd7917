/**
 * Detached OpenPGP signatures over manifests, judged now and not at signing time: a key that has expired or was revoked
 * since, or a weak one, counts for nothing (systemd-pull accepts all of these).
 */
import type { Config as OpenpgpConfig, PublicKey, verify } from 'openpgp';
import { PolicyError, TrustError } from '../errors.ts';

/** Largest signature file, in bytes. */
export const SIGNATURE_SIZE_MAX = 64 * 1024;
/** How far a signature may lie in the future, for clocks that differ; in milliseconds. */
const CLOCK_TOLERANCE = 10 * 60 * 1000;
/** Signatures in one file that are looked at. */
const SIGNATURES_MAX = 16;

type VerificationResult = Awaited<ReturnType<typeof verify>>['signatures'][number];

export interface SignaturePolicy {
  readonly now: Date;
  readonly allowExpiredKey: boolean;
  /** Fingerprints (lower-case hex) of the keys that may sign; empty = any key of the ring. */
  readonly signedBy: readonly string[];
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
 * @returns the good signatures, at least `policy.threshold` of them by different keys
 * @throws TrustError; PolicyError for a signature that has expired or lies in the future
 */
export async function verifySignature(
  data: Uint8Array,
  signature: Uint8Array,
  keys: readonly PublicKey[],
  policy: SignaturePolicy,
  source: string,
): Promise<GoodSignature[]> {
  const openpgp = await import('openpgp');
  const config: Partial<OpenpgpConfig> = { minRSABits: 2048, maxDecompressedMessageSize: SIGNATURE_SIZE_MAX };
  const results = await (async () => {
    try {
      const parsed = isArmored(signature)
        ? await openpgp.readSignature({ armoredSignature: Buffer.from(signature).toString('latin1'), config })
        : await openpgp.readSignature({ binarySignature: signature, config });
      const { signatures } = await openpgp.verify({
        message: await openpgp.createMessage({ binary: data }),
        signature: parsed,
        verificationKeys: [...keys],
        date: new Date(policy.now.getTime() + CLOCK_TOLERANCE),
        format: 'binary',
        config,
      });
      return signatures.slice(0, SIGNATURES_MAX);
    } catch (error) {
      throw new TrustError(`${source}: not a detached OpenPGP signature: ${(error as Error).message}`, {
        cause: error,
      });
    }
  })();
  if (results.length === 0) throw new TrustError(`${source}: holds no signature`);

  const good = new Map<string, GoodSignature>();
  const failures: (TrustError | PolicyError)[] = [];
  for (const result of results) {
    try {
      const verified = await verifyOne(result, keys, policy, source);
      good.set(verified.fingerprint, verified);
    } catch (error) {
      if (!(error instanceof TrustError || error instanceof PolicyError)) throw error;
      failures.push(error);
    }
  }
  if (good.size >= policy.threshold) {
    checkAge([...good.values()], policy, source);
    return [...good.values()];
  }
  const [first] = failures;
  if (good.size === 0 && first) throw first;
  throw new TrustError(`${source}: signed by ${good.size} of ${policy.threshold} required keys`);
}

/** A server that keeps showing an old list hides updates; the newest of the good signatures tells the list's age. */
function checkAge(good: readonly GoodSignature[], policy: SignaturePolicy, source: string): void {
  const newest = Math.max(...good.map(({ created }) => created.getTime()));
  if (policy.maxAgeSec === undefined || (policy.now.getTime() - newest) / 1000 <= policy.maxAgeSec) return;
  throw new PolicyError(`${source}: signed at ${new Date(newest).toISOString()}, longer ago than MaxManifestAgeSec=`, {
    next: 'ask the publisher to sign the list anew; if this machine’s clock is wrong, set it',
  });
}

async function verifyOne(
  result: VerificationResult,
  keys: readonly PublicKey[],
  policy: SignaturePolicy,
  source: string,
): Promise<GoodSignature> {
  const keyId = result.keyID.toHex();
  const key = keys.find((candidate) => candidate.getKeys(result.keyID).length > 0);
  if (!key) {
    throw new TrustError(`${source}: signed by the key ${keyId}, which is not in the keyring`, {
      next: 'if you trust that key, add it to /etc/systemd/import-pubring.pgp or name it with --keyring=FILE',
    });
  }
  const packet = (await result.signature).packets[0];
  const created = packet?.created ?? new Date(0);
  if (created.getTime() > policy.now.getTime() + CLOCK_TOLERANCE) {
    throw new PolicyError(`${source}: signed in the future (${created.toISOString()})`, {
      next: `check this machine's clock, which says ${policy.now.toISOString()}`,
    });
  }
  const expires = packet?.getExpirationTime();
  if (expires instanceof Date && expires <= policy.now) {
    throw new PolicyError(`${source}: the signature expired at ${expires.toISOString()}`);
  }
  try {
    await result.verified;
  } catch (error) {
    throw new TrustError(`${source}: bad signature by ${keyId}: ${(error as Error).message}`, { cause: error });
  }
  await checkKeyNow(key, result, policy, source);
  const fingerprint = key.getFingerprint();
  const signers = [fingerprint, ...key.getKeys(result.keyID).map((used) => used.getFingerprint())];
  if (policy.signedBy.length > 0 && !signers.some((signer) => policy.signedBy.includes(signer))) {
    throw new TrustError(`${source}: signed by ${fingerprint}, which SignedBy= does not name`);
  }
  return { fingerprint, created };
}

/** openpgp judges keys at the time of signing, which a thief of an old key can choose; this asks about now. */
async function checkKeyNow(
  key: PublicKey,
  result: VerificationResult,
  policy: SignaturePolicy,
  source: string,
): Promise<void> {
  try {
    // A revocation counts even when it was made by a clock ahead of this one.
    if (await key.isRevoked(undefined, undefined, new Date(policy.now.getTime() + CLOCK_TOLERANCE))) {
      throw new Error('Primary key is revoked');
    }
    await key.getSigningKey(result.keyID, policy.now);
  } catch (error) {
    const expired = /expired/i.test((error as Error).message);
    if (expired && policy.allowExpiredKey) return;
    throw new TrustError(`${source}: the key ${key.getFingerprint()} is not valid now: ${(error as Error).message}`, {
      cause: error,
      next: expired
        ? 'get the publisher’s renewed key; AllowExpiredKey=yes in extupdate.conf accepts this one'
        : 'get the publisher’s new key',
    });
  }
}

function isArmored(signature: Uint8Array): boolean {
  return Buffer.from(signature.subarray(0, 64)).toString('latin1').trimStart().startsWith('-----BEGIN PGP');
}
