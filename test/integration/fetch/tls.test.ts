import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkError, PolicyError } from '../../../src/errors.ts';
import { fetchBody } from '../../../src/fetch/body.ts';
import { createHttpClient, type HttpClient } from '../../../src/fetch/http.ts';
import { defaultNetworkLimits } from '../../../src/fetch/limits.ts';
import { serveFile, startServer, type TestServer } from '../../support/server.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');

let directory: string;
let server: Server;
let plain: TestServer;
let http: HttpClient;
let url: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'extupdate-tls-'));
  writeFileSync(join(directory, 'SHA256SUMS'), 'list\n');
  plain = await startServer(directory);
  server = createServer({ cert: fixture('server.pem'), key: fixture('server.key') }, (request, response) => {
    if (request.url === '/down') response.writeHead(302, { location: `${plain.url}/SHA256SUMS` }).end();
    else serveFile(directory, request.url ?? '', request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await http.close();
  server.closeAllConnections();
  server.close();
  await plain.close();
  rmSync(directory, { recursive: true });
});

function client(authorities: string | undefined, allowHttp = false): void {
  http = createHttpClient({
    allowHttp,
    authorities: () => authorities,
    authorization: () => undefined,
    userAgent: 'test',
    limits: defaultNetworkLimits,
  });
}
const get = (path: string) => fetchBody(http, `${url}${path}`, { maxBytes: 1000 });

describe('TLS', () => {
  it('trusts the authorities of CAFile=', async () => {
    client(fixture('ca.pem'));
    expect(await get('/SHA256SUMS')).toMatchObject({ bytes: Buffer.from('list\n') });
  });

  it('refuses an unknown authority at once, and says so (H83)', async () => {
    client(undefined);
    await expect(get('/SHA256SUMS')).rejects.toThrow(NetworkError);
    await expect(get('/SHA256SUMS')).rejects.toThrow(/TLS: .*certificate/);
  });

  it('never falls to http by a redirect (H62), unless AllowHTTP=yes', async () => {
    client(fixture('ca.pem'));
    await expect(get('/down')).rejects.toThrow(PolicyError);
    expect(plain.requests).toEqual([]);
    await http.close();
    client(fixture('ca.pem'), true);
    expect(await get('/down')).toMatchObject({ bytes: Buffer.from('list\n') });
  });
});
