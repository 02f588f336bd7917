import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../../src/definition/config.ts';
import { NetworkError, PolicyError, TrustError } from '../../../src/errors.ts';
import { fetchBody } from '../../../src/fetch/body.ts';
import { createAuthorization } from '../../../src/fetch/credentials.ts';
import { download } from '../../../src/fetch/download.ts';
import { createHttpClient, type HttpClient, type HttpOptions } from '../../../src/fetch/http.ts';
import { defaultNetworkLimits } from '../../../src/fetch/limits.ts';
import { openRangeSource, RangesUnsupported } from '../../../src/fetch/range-source.ts';
import { createRateLimiter } from '../../../src/fetch/rate-limit.ts';
import { sha256 } from '../../support/repository.ts';
import { serveFile, startServer, type TestServer } from '../../support/server.ts';

/** Large enough that a half of it counts as progress. */
const content = Buffer.alloc(5 * 1024 * 1024);
for (let index = 0; index < content.length; index += 4) content.writeUInt32LE((index * 2654435761) >>> 0, index);

let directory: string;
let server: TestServer;
let http: HttpClient;
let path: string;

const client = (more: Partial<HttpOptions> = {}) =>
  createHttpClient({
    allowHttp: false,
    authorities: () => undefined,
    authorization: () => undefined,
    userAgent: 'test',
    limits: defaultNetworkLimits,
    ...more,
  });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'extupdate-download-'));
  writeFileSync(join(directory, 'image.raw'), content);
  server = await startServer(directory);
  http = client();
  path = join(directory, 'staged');
});
afterEach(async () => {
  await http.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

const get = (more: Partial<Parameters<typeof download>[1]> = {}) =>
  download(http, { url: `${server.url}/image.raw`, sha256: sha256(content), path, maxBytes: 1e9, ...more });
const exists = (name: string) => statSync(name, { throwIfNoEntry: false }) !== undefined;
const ranges = () => server.requests.map(({ headers }) => headers.range);

/** Sends the beginning of an answer and breaks the connection. */
function cutOnce(at: number): void {
  let cut = false;
  server.intercept = (request, response, name) => {
    if (cut) return false;
    cut = true;
    const from = Number(/bytes=([0-9]+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const etag = `"${sha256(content).slice(0, 24)}"`;
    response.writeHead(200, { 'content-length': content.length, etag });
    response.write(content.subarray(from, at), () => response.destroy());
    return name === '/image.raw';
  };
}

describe('download', () => {
  it('stages the bytes as published, with their hash checked', async () => {
    const seen: number[] = [];
    await get({ onProgress: ({ receivedBytes }) => seen.push(receivedBytes) });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(exists(`${path}.partial`)).toBe(false);
    expect(seen.at(-1)).toBe(content.length);
  });

  it('resumes where the connection broke (H58)', async () => {
    cutOnce(3 * 1024 * 1024);
    await get();
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(ranges()[1]).toMatch(/^bytes=[1-9][0-9]*-$/);
    expect(server.requests[1]?.headers['if-range']).toBeDefined();
  });

  it('resumes what an earlier process left', async () => {
    writeFileSync(`${path}.partial`, content.subarray(0, 1000));
    await get();
    expect(ranges()).toEqual(['bytes=1000-']);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('begins anew when what was left is of another file', async () => {
    writeFileSync(`${path}.partial`, Buffer.alloc(1000, 7));
    await get();
    expect(ranges()).toEqual(['bytes=1000-', undefined]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('takes a partial file that is complete already', async () => {
    writeFileSync(`${path}.partial`, content);
    await get();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('begins anew when the server ignores ranges (H73)', async () => {
    writeFileSync(`${path}.partial`, content.subarray(0, 1000));
    server.intercept = (request, response, name) => {
      delete request.headers.range;
      serveFile(directory, name, request, response);
      return true;
    };
    await get();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('begins anew when the server sends another range (H73)', async () => {
    writeFileSync(`${path}.partial`, content.subarray(0, 1000));
    server.intercept = (request, response) => {
      if (request.headers.range === undefined) return false;
      response.writeHead(206, { 'content-range': `bytes 500-${content.length - 1}/${content.length}` });
      response.end(content.subarray(500));
      return true;
    };
    await get();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('tries again after a status of 503, as told by Retry-After (H69)', async () => {
    let times = 0;
    server.intercept = (_, response) => {
      times += 1;
      if (times > 2) return false;
      response.writeHead(503, { 'retry-after': '0' }).end();
      return true;
    };
    await get();
    expect(times).toBe(3);
  });

  it('leaves a Retry-After of hours to a later run (H69)', async () => {
    server.intercept = (_, response) => {
      response.writeHead(429, { 'retry-after': '7200' }).end();
      return true;
    };
    await expect(get()).rejects.toThrow(NetworkError);
    expect(server.requests).toHaveLength(1);
  });

  it.each([401, 403, 404, 407, 410, 204])(
    'does not repeat a request that was answered %i (H71, H72)',
    async (status) => {
      server.intercept = (_, response) => {
        response.writeHead(status).end();
        return true;
      };
      await expect(get()).rejects.toThrow(`the server answered ${status}`);
      expect(server.requests).toHaveLength(1);
    },
  );

  it('refuses a wrong hash, and leaves nothing', async () => {
    await expect(get({ sha256: '0'.repeat(64) })).rejects.toThrow(TrustError);
    expect(exists(path)).toBe(false);
    expect(exists(`${path}.partial`)).toBe(false);
  });

  it('refuses a body over the cap, whether its length is told or not (H78, H79)', async () => {
    await expect(get({ maxBytes: content.length - 1 })).rejects.toThrow(PolicyError);
    server.intercept = (_, response) => {
      response.writeHead(200);
      response.end(content);
      return true;
    };
    await expect(get({ maxBytes: content.length - 1 })).rejects.toThrow(PolicyError);
    await get({ maxBytes: content.length });
  });

  it('does not take a web page for an image', async () => {
    server.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html></html>');
      return true;
    };
    await expect(get()).rejects.toThrow('a web page instead of the image');
  });

  it('follows redirects to other hosts, and gives up on a loop (H65)', async () => {
    server.intercept = (_, response, name) => {
      if (name !== '/image.raw') return false;
      response.writeHead(302, { location: `http://localhost:${server.port}/other.raw` }).end();
      return true;
    };
    writeFileSync(join(directory, 'other.raw'), content);
    await get();
    server.intercept = (_, response) => {
      response.writeHead(302, { location: '/image.raw' }).end();
      return true;
    };
    rmSync(path);
    await expect(get()).rejects.toThrow('more than 5 redirects');
  });

  it('never decodes a body (H80)', async () => {
    server.intercept = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': content.length }).end(content);
      return true;
    };
    await get();
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('stops when it is told to, and keeps what has arrived', async () => {
    const abort = new AbortController();
    const request = get({
      signal: abort.signal,
      rateLimiter: createRateLimiter(1024 * 1024),
      onProgress: ({ receivedBytes }) => {
        if (receivedBytes > 500_000) abort.abort();
      },
    });
    await expect(request).rejects.toThrow(/abort/i);
    expect(statSync(`${path}.partial`).size).toBeGreaterThan(0);
    expect(exists(path)).toBe(false);
  });

  it('says so when nobody listens', async () => {
    const gone = await startServer(directory);
    await gone.close();
    await expect(fetchBody(http, `${gone.url}/x`, { maxBytes: 1 })).rejects.toThrow('connection refused');
  });
});

describe('credentials', () => {
  it('go to their origin only, and are dropped on a redirect to another one', async () => {
    writeFileSync(join(directory, 'token'), 'user:secret\n');
    const authorization = createAuthorization(
      { ...defaultConfig, credentials: [{ prefix: `${server.url}/`, name: 'token' }] },
      directory,
    );
    await http.close();
    http = client({ authorization });
    const other = await startServer(directory);
    server.intercept = (_, response) => {
      response.writeHead(302, { location: `${other.url}/image.raw` }).end();
      return true;
    };
    await get();
    await other.close();
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:secret').toString('base64')}`);
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('can stand in the URL, and are never shown', async () => {
    http = client({ authorization: createAuthorization(defaultConfig, undefined) });
    const url = `http://user:p%40ss@127.0.0.1:${server.port}/missing`;
    const failed = get({ url });
    await expect(failed).rejects.toThrow(`http://127.0.0.1:${server.port}/missing: the server answered 404`);
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  });
});

describe('a proxy', () => {
  let proxy: Server;
  afterEach(() => proxy.close());

  it('is asked for plain http with the whole URL (H82)', async () => {
    const asked: string[] = [];
    proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      serveFile(directory, '/image.raw', request, response);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    await http.close();
    http = client({ proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
    await get({ url: 'http://images.example.com/image.raw' });
    expect(asked).toEqual(['GET http://images.example.com/image.raw']);
  });
});

describe('openRangeSource', () => {
  it('reads pieces of a remote file', async () => {
    const source = await openRangeSource(http, `${server.url}/image.raw`);
    expect(source.size).toBe(content.length);
    expect((await source.read(10, 20)).equals(content.subarray(10, 30))).toBe(true);
    expect((await source.read(4_000_000, 100_000)).equals(content.subarray(4_000_000, 4_100_000))).toBe(true);
    expect(server.requests).toHaveLength(2);
  });

  it('says when the server cannot', async () => {
    server.intercept = (_, response) => {
      response.writeHead(200).end(content);
      return true;
    };
    await expect(openRangeSource(http, `${server.url}/image.raw`)).rejects.toThrow(RangesUnsupported);
  });

  it('refuses a file that changes in between', async () => {
    const source = await openRangeSource(http, `${server.url}/image.raw`);
    writeFileSync(join(directory, 'image.raw'), Buffer.alloc(content.length));
    await expect(source.read(4_000_000, 10)).rejects.toThrow('another range or file');
  });
});
