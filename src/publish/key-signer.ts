/** Signs with an OpenPGP secret key in a file. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { PrivateKey } from 'openpgp';
import { ConfigError } from '../errors.ts';
import { requireGoodKey, type Signer, type Signing } from './signer.ts';

/** Bytes; a key has some thousand. */
const KEY_SIZE_MAX = 1024 * 1024;

/**
 * Reads the key, opens it with its passphrase, and judges it.
 * @param now when it signs, and has to be good
 * @throws ConfigError when it is none, cannot be opened, or is one that clients refuse
 */
export async function openKeySigner(
  { file, passphraseFile }: Extract<Signing, { by: 'key' }>,
  now: Date,
): Promise<Signer> {
  const locked = await readKey(file);
  await requireGoodKey(locked.toPublic(), file, now);
  const key = await unlock(locked, file, passphraseFile);
  const { createMessage, sign } = await import('openpgp');
  return {
    certificates: async () => [key.toPublic()],
    async sign(data) {
      try {
        const message = await createMessage({ binary: data });
        const signature = await sign({ message, signingKeys: key, detached: true, format: 'binary', date: now });
        return Buffer.from(signature as Uint8Array);
      } catch (error) {
        throw new ConfigError(`${file}: the key cannot sign: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}

async function readKey(file: string): Promise<PrivateKey> {
  const { readPrivateKeys } = await import('openpgp');
  const bytes = readSecret(file, '--key=');
  const next = 'expected one secret key: gpg --export-secret-keys --armor ID';
  let keys: PrivateKey[];
  try {
    const isBinary = (bytes[0] ?? 0) >= 0x80;
    keys = await (isBinary ? readPrivateKeys({ binaryKeys: bytes }) : readPrivateKeys({ armoredKeys: String(bytes) }));
  } catch (error) {
    throw new ConfigError(`${file}: not an OpenPGP secret key: ${(error as Error).message}`, { cause: error, next });
  }
  const [key] = keys;
  if (!key || keys.length > 1) throw new ConfigError(`${file}: holds ${keys.length} secret keys`, { next });
  return key;
}

async function unlock(key: PrivateKey, file: string, passphraseFile: string | undefined): Promise<PrivateKey> {
  if (key.isDecrypted()) return key;
  if (passphraseFile === undefined) {
    throw new ConfigError(`${file}: the key is protected by a passphrase`, {
      next: '--passphrase-file=FILE has it; or --gpg-key=ID, for gpg-agent to ask',
    });
  }
  const { decryptKey } = await import('openpgp');
  const [passphrase = ''] = String(readSecret(passphraseFile, '--passphrase-file=')).split(/\r?\n/, 1);
  try {
    return await decryptKey({ privateKey: key, passphrase });
  } catch (error) {
    throw new ConfigError(`${file}: the passphrase in ${passphraseFile} does not open it`, { cause: error });
  }
}

/** @throws ConfigError */
function readSecret(path: string, option: string): Buffer {
  try {
    // The shell may hand over a pipe: --key=<(pass show key).
    const handle = openSync(path, constants.O_RDONLY);
    try {
      const info = fstatSync(handle);
      if (info.isDirectory() || info.size > KEY_SIZE_MAX) throw new Error('not a file of at most 1 MiB');
      return readFileSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    throw new ConfigError(`${option}${path}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
