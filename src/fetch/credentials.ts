/** Authorization headers from URLs (`user:password@`) and systemd credentials (systemd.exec(5), LoadCredential=). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../definition/config.ts';
import { ConfigError } from '../errors.ts';

/** The header for a URL, if there is one. */
export type Authorization = (url: string) => string | undefined;

/**
 * @param directory where systemd put the credentials ($CREDENTIALS_DIRECTORY); undefined outside of a unit
 */
export function createAuthorization(config: Config, directory: string | undefined): Authorization {
  const known = new Map<string, string>();
  return (url) => {
    const { username, password } = new URL(url);
    if (username !== '' || password !== '') {
      return basic(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    }
    const rule = config.credentials.find(({ prefix }) => url.startsWith(prefix));
    if (!rule) return undefined;
    const header = known.get(rule.name) ?? toHeader(readCredential(rule.name, directory));
    known.set(rule.name, header);
    return header;
  };
}

/** `user:password` is sent as Basic, anything else as a bearer token. */
function toHeader(secret: string): string {
  return secret.includes(':') ? basic(secret) : `Bearer ${secret}`;
}

function basic(secret: string): string {
  return `Basic ${Buffer.from(secret).toString('base64')}`;
}

function readCredential(name: string, directory: string | undefined): string {
  const next = `give the unit LoadCredential=${name}:/PATH, or set CREDENTIALS_DIRECTORY`;
  if (directory === undefined)
    throw new ConfigError(`Credential=: no credentials were passed to read ${name}`, { next });
  try {
    return readFileSync(join(directory, name), 'utf8').trim();
  } catch (error) {
    throw new ConfigError(`Credential=: the credential ${name} cannot be read`, { cause: error, next });
  }
}
