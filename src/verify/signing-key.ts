/** The state of a key now. openpgp judges keys at the time of signing, which a thief of an old key can choose. */
import type { AlgorithmInfo, KeyID, PublicKey } from 'openpgp';

export type KeyDefect =
  | 'key-revoked'
  | 'key-expired'
  | 'key-weak'
  | 'key-unsupported'
  | 'key-not-for-signing'
  | 'key-invalid';

/** Without a defect, the key may sign. */
export interface KeyState {
  readonly defect?: KeyDefect;
  readonly text: string;
}

type DefectiveKey = KeyState & { readonly defect: KeyDefect };

/**
 * Judges a key, by the primary key or the subkey of an id, at a time.
 * @param keyId of the key packet that signs
 */
export async function signingKeyState(key: PublicKey, keyId: KeyID, now: Date): Promise<KeyState> {
  const weakness = weaknessOf(key, keyId);
  if (weakness) return weakness;
  // Any revocation counts, whatever its reason, and also when it was made by a clock ahead of this one.
  if (await key.isRevoked(undefined, undefined, anyTime)) return revoked('the key', key);
  const subkey = key.subkeys.find((one) => one.getKeyID().equals(keyId));
  if (subkey && (await subkey.isRevoked(noSignature, noKey, anyTime))) return revoked('the signing subkey', subkey);
  try {
    await key.getSigningKey(keyId, now);
    return { text: 'may sign' };
  } catch (error) {
    const [, , cause = ''] = /^(Could not find valid signing key packet in key [0-9a-f]+:? ?)(.*)$/s.exec(
      (error as Error).message,
    ) ?? ['', '', (error as Error).message];
    const defect = defectOf(cause);
    return { defect, text: defect === 'key-not-for-signing' ? 'it is not a signing key' : cause };
  }
}

/** RSA moduli of "2048 bits" may have a bit less (openpgp's own limit). */
const RSA_BITS_LEAST = 2047;

/** What is wrong with the kind of a key, or of the subkey that signs, whatever is said about it. */
export function weaknessOf(key: PublicKey, keyId: KeyID): DefectiveKey | undefined {
  const packets = [key.keyPacket, ...key.getKeys(keyId).map(({ keyPacket }) => keyPacket)];
  return packets.map((packet) => weaknessOfKind(packet.getAlgorithmInfo())).find((one) => one !== undefined);
}

function weaknessOfKind({ algorithm, bits, curve }: AlgorithmInfo): DefectiveKey | undefined {
  const weak = (text: string): DefectiveKey => ({ defect: 'key-weak', text });
  if (bits !== undefined && bits < RSA_BITS_LEAST) return weak(`RSA of ${bits} bits is too weak`);
  if (algorithm === 'dsa' || algorithm === 'elgamal') return weak(`${algorithm} keys are too weak`);
  if (curve === 'secp256k1') return weak('the curve secp256k1 is not meant for this');
  // openpgp would need another package for them.
  if (curve?.startsWith('brainpool')) return { defect: 'key-unsupported', text: 'Brainpool curves are not supported' };
  return undefined;
}

/** openpgp takes null for "whenever" and "none", its types do not know. */
const anyTime = null as unknown as Date;
const noSignature = undefined as never;
const noKey = undefined as never;

function revoked(what: string, { revocationSignatures }: Pick<PublicKey, 'revocationSignatures'>): KeyState {
  const reason = revocationSignatures.find(({ reasonForRevocationString }) => reasonForRevocationString);
  const words = reason?.reasonForRevocationString;
  return { defect: 'key-revoked', text: `${what} was revoked${words ? ` (${words})` : ''}` };
}

function defectOf(cause: string): KeyDefect {
  if (/revoked/i.test(cause)) return 'key-revoked';
  if (/expired/i.test(cause)) return 'key-expired';
  // openpgp has no word for a key that merely lacks the capability.
  if (cause === '' || /embedded signature|key flags/.test(cause)) return 'key-not-for-signing';
  return 'key-invalid';
}
