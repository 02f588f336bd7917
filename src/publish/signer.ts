/** Who signs a list, and whether clients would take it: judged by what they go by themselves. */
import type { PublicKey } from 'openpgp';
import { ConfigError } from '../errors.ts';
import { judgeKey } from '../verify/judge-key.ts';
import { judgeSignatures } from '../verify/signature.ts';
import { splitSignatures } from '../verify/signature-packets.ts';
import { SIGNATURE_NAME } from './file-names.ts';

/** How the list is to be signed. */
export type Signing =
  | { readonly by: 'key'; readonly file: string; readonly passphraseFile?: string | undefined }
  | { readonly by: 'gpg'; readonly key?: string | undefined; readonly passphraseFile?: string | undefined }
  | { readonly by: 'nobody' };

/** Somebody who can sign. */
export interface Signer {
  /**
   * The certificates by which a signature could be this signer's.
   * @throws ConfigError where the signer cannot tell them; StorageError
   */
  certificates(signature: Buffer): Promise<readonly PublicKey[]>;
  /** Makes a detached signature, binary. @throws ConfigError where it cannot sign; StorageError */
  sign(data: Buffer): Promise<Buffer>;
}

/** A signature that clients take. */
export interface GoodSignature {
  /** Of the primary key, lower-case hex. */
  readonly fingerprint: string;
  /** When the key expires; undefined = never. */
  readonly expires?: Date | undefined;
}

/**
 * Judges a signature as clients do, with the certificates of the signer for their keyring.
 * @returns why they would not take it, in place of who signed
 * @throws ConfigError and StorageError of the signer
 */
export async function judgeOwnSignature(
  list: Buffer,
  signature: Buffer,
  signer: Signer,
  now: Date,
): Promise<GoodSignature | { readonly refused: string }> {
  const certificates = await signer.certificates(signature);
  const policy = { now, allowExpiredKey: false, signedBy: [] };
  const verdicts = await judgeSignatures(list, signature, certificates, policy, SIGNATURE_NAME);
  // systemd wants all of them to be good.
  for (const verdict of verdicts) if (!verdict.accepted) return { refused: verdict.text };
  const [first] = verdicts;
  const key = certificates.find((one) => one.getFingerprint() === first?.fingerprint);
  if (!first?.fingerprint || !key) return { refused: 'it holds no signature' };
  const unknown = unknownToSystemd(key);
  if (unknown !== undefined) return { refused: unknown };
  const { expires } = await judgeKey({ key, files: [] }, policy);
  return { fingerprint: first.fingerprint, expires };
}

/** Judges a key before it signs. @throws ConfigError for one whose signatures clients would not take now */
export async function requireGoodKey(key: PublicKey, file: string, now: Date): Promise<void> {
  const { accepted, text } = await judgeKey({ key, files: [file] }, { now, allowExpiredKey: false, signedBy: [] });
  const reason = unknownToSystemd(key) ?? (accepted ? undefined : text);
  if (reason === undefined) return;
  throw new ConfigError(`${file}: clients refuse signatures by the key ${key.getFingerprint()}: ${reason}`, {
    next: 'sign with another key: RSA of 2048 bits or more, Ed25519 as gpg makes it, or a NIST curve',
  });
}

/** When the newest of some signatures was made, whoever made it; undefined where that cannot be read. */
export async function newestCreation(signatures: readonly Buffer[]): Promise<Date | undefined> {
  const packets = (await Promise.all(signatures.map(signaturePackets))).flat();
  const times = packets.flatMap(({ created }) => (created ? [created.getTime()] : []));
  return times.length > 0 ? new Date(Math.max(...times)) : undefined;
}

/** The signatures of a file, as far as they can be read. */
export async function signaturePackets(signature: Buffer) {
  const openpgp = await import('openpgp');
  const packets = [];
  for (const binarySignature of await splitSignatures(signature, SIGNATURE_NAME).catch(() => [])) {
    const read = await openpgp.readSignature({ binarySignature }).catch(() => undefined);
    const [packet] = read?.packets ?? [];
    if (packet instanceof openpgp.SignaturePacket) packets.push(packet);
  }
  return packets;
}

/** What gpg 2.4 cannot read: systemd verifies with it. */
function unknownToSystemd(key: PublicKey): string | undefined {
  for (const { keyPacket } of key.getKeys()) {
    if (keyPacket.version !== 4) return `systemd knows no OpenPGP keys of version ${keyPacket.version}`;
    const { algorithm } = keyPacket.getAlgorithmInfo();
    if (algorithm === 'ed25519' || algorithm === 'ed448') {
      return `systemd does not know ${algorithm} keys in the form of RFC 9580, only in that of gpg`;
    }
  }
  return undefined;
}
