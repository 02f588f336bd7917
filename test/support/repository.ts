/** A published directory as a publisher makes it: files, SHA256SUMS, a real detached signature. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as openpgp from 'openpgp';

export interface TestKey {
  readonly privateKey: openpgp.PrivateKey;
  readonly armoredPublicKey: string;
  readonly binaryPublicKey: Uint8Array;
  readonly fingerprint: string;
}

/** Makes a signing key; by default ed25519, made a while ago, that never expires. */
export async function makeKey(
  options: { readonly date?: Date; readonly expiresInSec?: number; readonly rsaBits?: number } = {},
): Promise<TestKey> {
  const config = { minRSABits: 1024 };
  const { privateKey } = await openpgp.generateKey({
    userIDs: [{ name: 'Test publisher', email: 'publisher@example.com' }],
    ...(options.rsaBits ? { type: 'rsa', rsaBits: options.rsaBits } : { type: 'ecc' }),
    date: options.date ?? new Date(Date.now() - 30 * 24 * 3600 * 1000),
    keyExpirationTime: options.expiresInSec ?? 0,
    format: 'object',
    config,
  });
  const publicKey = privateKey.toPublic();
  return {
    privateKey,
    armoredPublicKey: publicKey.armor(),
    binaryPublicKey: publicKey.write(),
    fingerprint: publicKey.getFingerprint(),
  };
}

/** A detached signature. */
export async function sign(
  data: string | Uint8Array,
  keys: readonly TestKey[],
  options: { readonly armored?: boolean; readonly date?: Date } = {},
): Promise<Buffer> {
  const request = {
    message: await openpgp.createMessage({ binary: Buffer.from(data) }),
    signingKeys: keys.map((key) => key.privateKey),
    detached: true as const,
    config: { minRSABits: 1024 },
    ...(options.date ? { date: options.date } : {}),
  };
  return options.armored
    ? Buffer.from((await openpgp.sign({ ...request, format: 'armored' })) as string)
    : Buffer.from((await openpgp.sign({ ...request, format: 'binary' })) as Uint8Array);
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

export interface PublishOptions {
  readonly key?: TestKey;
  /** Name of the signature file. */
  readonly signatureName?: string;
  readonly armored?: boolean;
  /** Lines that are added to the list as they stand. */
  readonly extraLines?: readonly string[];
}

/** Writes files, a list of them and its signature into a directory; what the list named before goes. */
export async function publish(
  directory: string,
  files: Readonly<Record<string, Uint8Array | string>>,
  options: PublishOptions = {},
): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  let list = '';
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
    list += `${sha256(content)} *${name}\n`;
  }
  for (const line of options.extraLines ?? []) list += `${line}\n`;
  writeFileSync(join(directory, 'SHA256SUMS'), list);
  if (!options.key) return;
  const signature = await sign(list, [options.key], { armored: options.armored ?? false });
  writeFileSync(join(directory, options.signatureName ?? 'SHA256SUMS.gpg'), signature);
}
