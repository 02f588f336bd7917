/** OpenPGP keyrings: which files are read, in both encodings. */
import { readFileSync, statSync } from 'node:fs';
import type { PublicKey } from 'openpgp';
import { ConfigError } from '../errors.ts';
import { resolveInRoot } from '../os/root.ts';
import { isMissing } from '../os/storage-error.ts';

/** systemd 262: the administrator's ring (`.pgp`, else the older `.gpg`) and the vendor's are both used. */
const ADMIN_RINGS = ['/etc/systemd/import-pubring.pgp', '/etc/systemd/import-pubring.gpg'];
const VENDOR_RINGS = ['/usr/lib/systemd/import-pubring.pgp', '/usr/lib/systemd/import-pubring.gpg'];

/** Largest keyring file, in bytes; systemd's own has 50 KB. */
const KEYRING_SIZE_MAX = 16 * 1024 * 1024;

/** The bytes of a ring and the path they came from. */
export interface KeyringFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * Reads the keyring files of a host.
 * @param extra files of `--keyring=`; when there are any, they replace the host's
 * @throws ConfigError when there is none, or one that was named cannot be read
 */
export function loadKeyrings(root: string, extra: readonly string[]): KeyringFile[] {
  if (extra.length > 0) return extra.map((path) => ({ path, bytes: readRing(path, path) }));
  const found = [ADMIN_RINGS, VENDOR_RINGS].flatMap((paths) => {
    for (const path of paths) {
      const bytes = readIfThere(resolveInRoot(root, path), path);
      if (bytes) return [{ path, bytes }];
    }
    return [];
  });
  if (found.length > 0) return found;
  throw new ConfigError(`no keyring: neither ${ADMIN_RINGS[0]} nor ${VENDOR_RINGS[0]} exists`, {
    next: 'put the publisher’s public key there, or name it with --keyring=FILE; Verify=no in the definition does without',
  });
}

/**
 * Parses keyring files into keys.
 * @throws ConfigError for a file without a usable key
 */
export async function parseKeyrings(files: readonly KeyringFile[]): Promise<PublicKey[]> {
  const { readKeys } = await import('openpgp');
  const keys: PublicKey[] = [];
  for (const { path, bytes } of files) {
    const next = 'expected OpenPGP public keys, binary (gpg --export) or armored (gpg --export --armor)';
    try {
      const parsed: PublicKey[] = [];
      // openpgp reads only the first of several armored blocks.
      const blocks = bytes
        .toString('latin1')
        .match(/-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g);
      for (const block of blocks ?? []) parsed.push(...(await readKeys({ armoredKeys: block })));
      if (!blocks && bytes.length > 0) parsed.push(...(await readKeys({ binaryKeys: bytes })));
      if (parsed.length === 0) throw new ConfigError(`${path}: the keyring holds no key`, { next });
      keys.push(...parsed.map((key) => key.toPublic()));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw new ConfigError(`${path}: not a keyring: ${(error as Error).message}`, { cause: error, next });
    }
  }
  return keys;
}

function readIfThere(place: string, path: string): Buffer | undefined {
  try {
    return readCapped(place);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(path, error);
  }
}

function readRing(place: string, path: string): Buffer {
  try {
    return readCapped(place);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readCapped(place: string): Buffer {
  const info = statSync(place);
  if (!info.isFile() || info.size > KEYRING_SIZE_MAX) throw new Error('not a file of at most 16 MiB');
  return readFileSync(place);
}

function unreadable(path: string, error: unknown): ConfigError {
  return new ConfigError(`${path}: the keyring cannot be read: ${(error as Error).message}`, {
    cause: error,
    next: 'name a file of OpenPGP public keys',
  });
}
