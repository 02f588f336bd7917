import { openGpgSigner } from './gpg-signer.ts';
import { openKeySigner } from './key-signer.ts';
import type { Signer, Signing } from './signer.ts';

/** Makes the signer; a key file is read and judged at once. @throws ConfigError */
export async function openSigner(signing: Signing, now: Date): Promise<Signer | undefined> {
  if (signing.by === 'nobody') return undefined;
  return signing.by === 'key' ? openKeySigner(signing, now) : openGpgSigner(signing);
}
