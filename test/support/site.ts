/** The web as the documentation knows it: real host names over TLS, served from a directory on loopback. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serveFile } from './server.ts';

const run = promisify(execFile);

export interface Site {
  /** Directory that is served: one directory for each host name. */
  readonly directory: string;
  /** Lines for /etc/hosts. */
  readonly hosts: string;
  /** What has to be trusted, as PEM. */
  readonly authority: string;
  close(): Promise<void>;
}

/** Serves these hosts at port 443 of an address of its own; needs root. */
export async function startSite(names: readonly string[]): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'extupdate-site-'));
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-keyout', key, '-out', certificate, '-subj', '/CN=documentation'],
    ...['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
  ]);
  const authority = readFileSync(certificate, 'utf8');
  const server = createServer({ key: readFileSync(key), cert: authority }, (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'https://localhost').pathname);
    serveFile(directory, `/${request.headers.host}${path}`, request, response);
  });
  const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  await new Promise<void>((resolve, reject) => server.on('error', reject).listen(443, address, resolve));
  return {
    directory,
    hosts: `${address} ${names.join(' ')}\n`,
    authority,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      rmSync(directory, { recursive: true });
    },
  };
}
