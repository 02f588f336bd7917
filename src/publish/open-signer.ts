import { openGpgSigner } from './gpg-signer.ts';
import { openKeySigner } from './key-signer.ts';
import type { Signer, Signing } from './signer.ts';

/**
 * Makes the signer.
 * @param now when it signs: a key file is read and judged for that time at once
 * @returns undefined where nobody signs
 * @throws ConfigError for a key that cannot be used, or that clients refuse
 */
export async function openSigner(signing: Signing, now: Date): Promise<Signer | undefined> {
  if (signing.by === 'nobody') return undefined;
  return signing.by === 'key' ? openKeySigner(signing, now) : openGpgSigner(signing);
}
