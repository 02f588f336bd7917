/** OpenPGP keyrings: which files are read, in both encodings, and the keys in them, each once. */
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

/** A key, with what all files together say of it. */
export interface TrustedKey {
  readonly key: PublicKey;
  /** Where it stands, as seen inside the root. */
  readonly files: readonly string[];
}

/**
 * Reads the keyring files of a host.
 * @param extra files of `--keyring=`; when there are any, they replace the host's
 * @returns none where the host has none
 * @throws ConfigError when one cannot be read
 */
export function loadKeyrings(root: string, extra: readonly string[]): KeyringFile[] {
  if (extra.length > 0) return extra.map((path) => ({ path, bytes: readRing(path, path) }));
  return [ADMIN_RINGS, VENDOR_RINGS].flatMap((paths) => {
    for (const path of paths) {
      const bytes = readIfThere(resolveInRoot(root, path), path);
      if (bytes) return [{ path, bytes }];
    }
    return [];
  });
}

/**
 * Reads a keyring file that has to be there.
 * @param path as seen inside the root
 * @throws ConfigError
 */
export function loadKeyring(root: string, path: string): KeyringFile {
  return { path, bytes: readRing(resolveInRoot(root, path), path) };
}

/** This host has no keys at all. */
export class NoKeyringError extends ConfigError {}

/** What to say where there is no key at all. */
export function noKeyring(): NoKeyringError {
  return new NoKeyringError(
    `no keyring: neither ${ADMIN_RINGS[0]} nor ${VENDOR_RINGS[0]} exists, and no verifier in voa/`,
    {
      next: 'put the publisher’s public key there, or name it with --keyring=FILE; Verify=no in the definition does without',
    },
  );
}

/**
 * Parses keyring files into keys.
 * @throws ConfigError for a file without a usable key
 */
export async function parseKeyrings(files: readonly KeyringFile[]): Promise<TrustedKey[]> {
  const keys: TrustedKey[] = [];
  for (const { path, bytes } of files) {
    const next = 'expected OpenPGP public keys, binary (gpg --export) or armored (gpg --export --armor)';
    try {
      const parsed = await readCertificates(bytes);
      if (parsed.length === 0) throw new ConfigError(`${path}: the keyring holds no key`, { next });
      keys.push(...parsed.map((key) => ({ key, files: [path] })));
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw new ConfigError(`${path}: not a keyring: ${(error as Error).message}`, { cause: error, next });
    }
  }
  return mergeKeys(keys);
}

/**
 * The keys in a file; of secret keys, the public part.
 * @throws Error of openpgp
 */
export async function readCertificates(bytes: Buffer): Promise<PublicKey[]> {
  const { readKeys } = await import('openpgp');
  const keys: PublicKey[] = [];
  // openpgp reads only the first of several armored blocks.
  const blocks = bytes.toString('latin1').match(ARMORED_KEYS);
  for (const armoredKeys of blocks ?? []) keys.push(...(await readKeys({ armoredKeys })));
  if (!blocks && bytes.length > 0) keys.push(...(await readKeys({ binaryKeys: bytes })));
  return keys.map((key) => key.toPublic());
}

const ARMORED_KEYS = /-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----[\s\S]*?-----END PGP \1 KEY BLOCK-----/g;

/**
 * Each key once: what is known of it from all files counts, so that a copy that is renewed renews the others, and one that
 * is revoked revokes them.
 */
export async function mergeKeys(keys: readonly TrustedKey[]): Promise<TrustedKey[]> {
  const merged = new Map<string, TrustedKey>();
  for (const { key, files } of keys) {
    const fingerprint = key.getFingerprint();
    const known = merged.get(fingerprint);
    // Whatever its time: a revocation that a clock ahead has made counts.
    const both = known ? await known.key.update(key, anyTime) : key;
    merged.set(fingerprint, { key: both, files: [...new Set([...(known?.files ?? []), ...files])] });
  }
  return [...merged.values()];
}

/** openpgp takes null for "whenever", its types do not know. */
const anyTime = null as unknown as Date;

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
  const why = (error as Error).message.replace(/, \w+ '[^']*'$/, '');
  const isDenied = (error as NodeJS.ErrnoException).code === 'EACCES';
  return new ConfigError(`${path}: the keyring cannot be read: ${why}`, {
    cause: error,
    next: isDenied
      ? `run as root, or let everybody read what is no secret: chmod a+r ${path}`
      : 'name a file of OpenPGP public keys',
  });
}
