/** One signature over one text: does it count, and if not, why. Judged now and not at signing time. */
import type { KeyID, PublicKey, SignaturePacket } from 'openpgp';
import { type ExtupdateError, PolicyError, TrustError, UnsignedError } from '../errors.ts';
import { type KeyDefect, signingKeyState, weaknessOf } from './signing-key.ts';

/** How far a signature may lie in the future, for clocks that differ; in milliseconds. */
const CLOCK_TOLERANCE = 10 * 60 * 1000;

export interface JudgingPolicy {
  readonly now: Date;
  readonly allowExpiredKey: boolean;
  /** Fingerprints (lower-case hex) of the keys that may sign; empty = any key of the ring. */
  readonly signedBy: readonly string[];
}

export type RefusalCode =
  | KeyDefect
  | 'unknown-key'
  | 'unsupported'
  | 'malformed'
  | 'weak-digest'
  | 'bad-signature'
  | 'signature-expired'
  | 'signature-future'
  | 'not-signed-by';

interface Verdict {
  /** Of the key packet that signed, as the signature names it; '' where it cannot be read. */
  readonly keyId: string;
  /** Fingerprint of the primary key, lower-case hex, where the key is known. */
  readonly fingerprint?: string;
  readonly created?: Date;
}

export interface Accepted extends Verdict {
  readonly accepted: true;
  readonly fingerprint: string;
  readonly created: Date;
}

export interface Refused extends Verdict {
  readonly accepted: false;
  readonly code: RefusalCode;
  /** Why, for people. */
  readonly text: string;
  readonly next: string;
}

export type SignatureVerdict = Accepted | Refused;

/**
 * Judges one signature packet. Nothing about it is trusted before the mathematics are right.
 * @param data what was signed
 */
export async function judgeSignature(
  data: Uint8Array,
  packetBytes: Uint8Array,
  keys: readonly PublicKey[],
  policy: JudgingPolicy,
): Promise<SignatureVerdict> {
  const openpgp = await import('openpgp');
  const read = await readPacket(openpgp, packetBytes);
  if ('code' in read) return refused({ keyId: '' }, read.code, read.text);
  const { packet } = read;
  const keyId = packet.issuerKeyID.toHex();
  const key = keys.find((candidate) => candidate.getKeys(packet.issuerKeyID).length > 0);
  const created = packet.created ?? undefined;
  const known = { keyId, ...(key ? { fingerprint: key.getFingerprint() } : {}), ...(created ? { created } : {}) };
  const refuse = (code: RefusalCode, text: string) => refused(known, code, text);

  const { binary, text: textMode } = openpgp.enums.signature;
  if (packet.signatureType !== binary && packet.signatureType !== textMode) {
    return refuse('unsupported', 'it is not a signature over a document');
  }
  if (!key || !created) return refuse('unknown-key', `signed by the key ${keyId}, which is not in the keyring`);
  const digest = packet.hashAlgorithm;
  if (digest !== null && openpgp.config.rejectMessageHashAlgorithms.has(digest)) {
    return refuse('weak-digest', `signed with the weak digest ${digestName(openpgp, digest)}`);
  }

  const weakness = weaknessOf(key, packet.issuerKeyID);
  if (weakness) return refuse(weakness.defect, `the key ${key.getFingerprint()} is not good enough: ${weakness.text}`);
  const mathematics = await verifyPacket(openpgp, data, packet, key);
  if (mathematics !== undefined) {
    // What openpgp does not know, and may not ignore.
    const isUnknown = /critical/.test(mathematics);
    return isUnknown
      ? refuse('unsupported', mathematics)
      : refuse('bad-signature', `bad signature by ${keyId}: ${mathematics}`);
  }
  if (created.getTime() > policy.now.getTime() + CLOCK_TOLERANCE) {
    return refuse('signature-future', `signed in the future (${created.toISOString()})`);
  }
  const expires = packet.getExpirationTime();
  if (expires instanceof Date && expires <= policy.now) {
    return refuse('signature-expired', `the signature expired at ${expires.toISOString()}`);
  }
  const then = await signingKeyThen(key, packet.issuerKeyID, created);
  const { defect, text } = await signingKeyState(key, packet.issuerKeyID, policy.now);
  if (defect !== undefined && !(defect === 'key-expired' && policy.allowExpiredKey && then === undefined)) {
    return refuse(defect, `the key ${key.getFingerprint()} is not valid now: ${text}`);
  }
  if (then !== undefined)
    return refuse('key-invalid', `the key ${key.getFingerprint()} was not valid when it signed: ${then}`);
  const fingerprint = key.getFingerprint();
  const signers = [fingerprint, ...key.getKeys(packet.issuerKeyID).map((used) => used.getFingerprint())];
  if (policy.signedBy.length > 0 && !signers.some((signer) => policy.signedBy.includes(signer))) {
    return refuse('not-signed-by', `signed by ${fingerprint}, which SignedBy= does not name`);
  }
  return { accepted: true, keyId, fingerprint, created };
}

/** What a refusal is for the exit status: data that is genuine, but of the wrong time, is a matter of policy. */
export function refusalError(source: string, { code, text, next }: Refused): ExtupdateError {
  const isOfTime = code === 'signature-expired' || code === 'signature-future';
  const kind = isOfTime ? PolicyError : code === 'unknown-key' ? UnsignedError : TrustError;
  return new kind(`${source}: ${text}`, { next });
}

type Openpgp = typeof import('openpgp');

async function readPacket(
  openpgp: Openpgp,
  binarySignature: Uint8Array,
): Promise<{ readonly packet: SignaturePacket } | { readonly code: RefusalCode; readonly text: string }> {
  try {
    const [packet] = (await openpgp.readSignature({ binarySignature })).packets;
    return packet instanceof openpgp.SignaturePacket
      ? { packet }
      : { code: 'unsupported', text: 'a signature of a kind that is not supported here' };
  } catch (error) {
    return { code: 'malformed', text: `a damaged signature: ${(error as Error).message}` };
  }
}

/** Whether the key made this signature over the data. @returns what is wrong */
async function verifyPacket(
  openpgp: Openpgp,
  data: Uint8Array,
  packet: SignaturePacket,
  key: PublicKey,
): Promise<string | undefined> {
  const [signer] = key.getKeys(packet.issuerKeyID);
  const [literal] = (await openpgp.createMessage({ binary: data })).packets;
  if (!signer || !literal || packet.signatureType === null || !packet.created) return 'it cannot be read';
  if (signer.getCreationTime() > packet.created) return 'it is older than the key';
  try {
    await packet.verify(signer.keyPacket, packet.signatureType, literal, whenever, true, openpgp.config);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** openpgp takes null for "whenever", its types do not know; times are judged here, in an order of our own. */
const whenever = null as unknown as Date;

/** @returns what was wrong with the key when it signed */
async function signingKeyThen(key: PublicKey, keyId: KeyID, created: Date): Promise<string | undefined> {
  try {
    await key.getSigningKey(keyId, created);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    // Of a key that was renewed later, only the later self-signature may be left; what counts is that it is valid now.
    return /Signature creation time is in the future/.test(message) ? undefined : message;
  }
}

const NEXT: Readonly<Record<RefusalCode, string>> = {
  'unknown-key': 'if you trust that key, add it to /etc/systemd/import-pubring.pgp or name it with --keyring=FILE',
  'key-expired': 'get the publisher’s renewed key; AllowExpiredKey=yes accepts this one',
  'key-revoked': 'get the publisher’s new key',
  'key-weak': 'get the publisher’s new key: RSA of 2048 bits or more, Ed25519, or a NIST curve',
  'key-unsupported': 'ask the publisher to sign with RSA, Ed25519, or a NIST curve, too',
  'key-not-for-signing': 'get the publisher’s signing key',
  'key-invalid': 'get the publisher’s new key',
  'not-signed-by': 'if the publisher has a new key, name its fingerprint in SignedBy=',
  'bad-signature': 'the list and its signature do not belong together; nothing was changed here',
  'weak-digest': 'ask the publisher to sign with SHA-256 or better',
  'signature-expired': 'ask the publisher to sign the list anew; if this machine’s clock is wrong, set it',
  'signature-future': 'check this machine’s clock',
  unsupported: 'ask the publisher for a detached signature by an OpenPGP v4 key',
  malformed: 'ask the publisher to sign the list anew; nothing was changed here',
};

function refused(verdict: Verdict, code: RefusalCode, text: string): Refused {
  return { ...verdict, accepted: false, code, text, next: NEXT[code] };
}

function digestName({ enums }: Openpgp, digest: number): string {
  const [name = String(digest)] = Object.entries(enums.hash).find(([, value]) => value === digest) ?? [];
  return name.toUpperCase();
}
