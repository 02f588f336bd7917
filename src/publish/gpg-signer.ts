/** Signs through gpg, and thereby gpg-agent, smart cards and what else it knows. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublicKey } from 'openpgp';
import { ConfigError } from '../errors.ts';
import { type CommandResult, lastLine, runCommand } from '../os/run-command.ts';
import { inScratchDirectory } from '../os/scratch-directory.ts';
import { readCertificates } from '../verify/keyring.ts';
import { type Signer, type Signing, signaturePackets } from './signer.ts';

/** Milliseconds: somebody may have to look for a passphrase, or for a token to touch. */
const PATIENCE = 600_000;

/**
 * Makes a signer; gpg is first asked when there is something to sign or to judge, so that nothing is thrown here.
 * @returns one whose methods throw ConfigError where gpg is missing, or says no
 */
export function openGpgSigner({ key, passphraseFile }: Extract<Signing, { by: 'gpg' }>): Signer {
  const loopback =
    passphraseFile === undefined ? [] : ['--pinentry-mode=loopback', `--passphrase-file=${passphraseFile}`];
  return {
    certificates: async (signature) => {
      const issuers = (await signaturePackets(signature)).map(({ issuerKeyID }) => issuerKeyID.toHex());
      const known = await Promise.all([...new Set(issuers)].map((issuer) => certificatesOf(issuer, key)));
      return known.flat();
    },
    sign: (data) =>
      inScratchDirectory('gpg', async (directory) => {
        const [list, signature] = [join(directory, 'list'), join(directory, 'signature')];
        await writeFile(list, data);
        const user = key === undefined ? [] : [`--local-user=${key}`];
        const result = await gpg([
          ...['--yes', '--no-armor', '--digest-algo=SHA512', ...loopback, ...user],
          ...['--output', signature, '--detach-sign', '--', list],
        ]);
        if (result.status !== 0) throw refused('cannot sign', result);
        return readFile(signature);
      }),
  };
}

/** The certificate behind a key id, if its secret half is here, and if it is the one that is to sign. */
async function certificatesOf(issuer: string, key: string | undefined): Promise<PublicKey[]> {
  const { status } = await gpg(['--with-colons', '--list-secret-keys', issuer]);
  if (status !== 0) return [];
  const certificates = await exported(issuer);
  if (key === undefined) return certificates;
  const wanted = (await exported(key)).map((one) => one.getFingerprint());
  return certificates.filter((one) => wanted.includes(one.getFingerprint()));
}

function exported(id: string): Promise<PublicKey[]> {
  return inScratchDirectory('gpg', async (directory) => {
    const file = join(directory, 'certificates');
    const result = await gpg(['--output', file, '--export', '--', id]);
    if (result.status !== 0) throw refused(`cannot export ${id}`, result);
    return readCertificates(await readFile(file).catch(() => Buffer.alloc(0)));
  });
}

async function gpg(args: readonly string[]): Promise<CommandResult> {
  const result = await runCommand(['gpg', '--batch', ...args], { timeoutMs: PATIENCE });
  if (!result.missing) return result;
  throw new ConfigError('gpg is not installed', { next: 'install GnuPG, or sign with --key=FILE' });
}

function refused(what: string, result: CommandResult): ConfigError {
  return new ConfigError(`gpg ${what}: ${lastLine(result).replace(/^gpg: /, '')}`, {
    next: 'gpg --list-secret-keys shows what it can sign with; --gpg-key=ID names one',
  });
}
