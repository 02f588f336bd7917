/** Whether the list of a repository is verified: that it is not, only a person can say. */

import { overrideBaseUrl } from '../definition/config.ts';
import { defaultExtensionSettings, parseExtensionSettings } from '../definition/extension-settings.ts';
import { UnsignedError, UsageError } from '../errors.ts';
import { signaturePolicy } from '../source/signature-policy.ts';
import type { System } from '../system.ts';
import { NoKeyringError } from '../verify/keyring.ts';
import { judgeSignatures } from '../verify/signature.ts';
import { usableKeys } from '../verify/trusted-keys.ts';

export interface TrustRequest {
  /** `--verify=`: undefined where nothing was said. */
  readonly verify: boolean | undefined;
  /** Fingerprints of the only keys that may sign. */
  readonly signedBy: readonly string[];
  /** Asks a person, who is told why; undefined where there is nobody to ask. */
  readonly ask?: ((why: string) => Promise<boolean>) | undefined;
}

/**
 * Fingerprints, in lower case.
 * @throws UsageError for what is none
 */
export function parseSignedBy(words: readonly string[]): readonly string[] {
  if (words.length === 0) return [];
  const at = { section: 'X-Extupdate', file: '--signed-by=', line: 1 };
  const { settings, problems } = parseExtensionSettings([{ ...at, key: 'SignedBy', value: words.join(' ') }]);
  const [problem] = problems;
  if (!problem) return settings.signedBy;
  throw new UsageError(`--signed-by=: ${words.join(' ')}: expected OpenPGP fingerprints of 40 or 64 hex digits`, {
    next: '"gpg --show-keys FILE" shows that of a key',
  });
}

/**
 * Reads something that is verified, or, when nobody has signed it whom this host knows and a person says so, as the
 * server gives it.
 * @returns what was read, and whether it was verified
 * @throws UnsignedError, NoKeyringError where nobody says so; what reading throws
 */
export async function readTrusting<T>(
  { verify, signedBy, ask }: TrustRequest,
  read: (verify: boolean) => Promise<T>,
): Promise<{ readonly verified: boolean; readonly found: T }> {
  if (verify === false) {
    if (signedBy.length > 0) throw new UsageError('--signed-by= and --verify=no: only one of them');
    return { verified: false, found: await read(false) };
  }
  try {
    return { verified: true, found: await read(true) };
  } catch (error) {
    const isOpen = error instanceof UnsignedError || error instanceof NoKeyringError;
    if (!isOpen || verify === true || signedBy.length > 0) throw error;
    if (ask && (await ask(error.message))) return { verified: false, found: await read(false) };
    const next = `${keyStep(error)}; --verify=no trusts the server alone`;
    throw error instanceof UnsignedError
      ? new UnsignedError(error.message, { cause: error, next })
      : new NoKeyringError(error.message, { cause: error, next });
  }
}

/** Who has signed has to be known; who has not has to begin. */
function keyStep(error: UnsignedError | NoKeyringError): string {
  const isSigned = error instanceof NoKeyringError || !error.message.includes('has no signature');
  return isSigned
    ? 'put the publisher’s key into /etc/systemd/import-pubring.pgp, or name it with --keyring=FILE'
    : 'ask the publisher to sign';
}

/** Fingerprints of the keys whose signatures over the list of a directory count. */
export async function signersOf(system: System, url: string, component: string): Promise<string[]> {
  const { repository, keys, config, now } = system;
  const saved = await repository.signedList(overrideBaseUrl(url, config));
  if (!saved.signature) return [];
  const known = usableKeys(await keys.of({ name: component, settings: defaultExtensionSettings }));
  const policy = signaturePolicy(defaultExtensionSettings, config, now);
  const verdicts = await judgeSignatures(saved.manifest, saved.signature, known, policy, url);
  return [...new Set(verdicts.flatMap((verdict) => (verdict.accepted ? verdict.fingerprint : [])))];
}
