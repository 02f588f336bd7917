/** A real HTTP server on loopback that serves a directory as a static file server does, and misbehaves when told to. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Takes a request over; returns whether it did. */
export type Interceptor = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

export interface TestServer {
  readonly url: string;
  readonly port: number;
  /** Every request, as `METHOD PATH`, with ` STATUS` once it was answered. */
  readonly requests: { method: string; path: string; status: number; headers: IncomingMessage['headers'] }[];
  /** Asked before a file is served. */
  intercept: Interceptor | undefined;
  close(): Promise<void>;
}

/** Starts a server for a directory. */
export async function startServer(directory: string): Promise<TestServer> {
  const requests: TestServer['requests'] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const entry = { method: request.method ?? '', path, status: 0, headers: request.headers };
    requests.push(entry);
    response.on('close', () => {
      entry.status = response.statusCode;
    });
    if (handle.intercept?.(request, response, path)) return;
    serveFile(directory, path, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const handle: TestServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    intercept: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return handle;
}

/** Serves one file, with ranges and conditional requests. */
export function serveFile(directory: string, path: string, request: IncomingMessage, response: ServerResponse): void {
  const file = join(directory, path);
  const info = path.includes('..') ? undefined : statSync(file, { throwIfNoEntry: false });
  if (!info?.isFile()) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    return;
  }
  const content = readFileSync(file);
  const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 24)}"`;
  const headers = { etag, 'last-modified': info.mtime.toUTCString(), 'accept-ranges': 'bytes' };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? '');
  const matches = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  if (!range || !matches) {
    response.writeHead(200, { ...headers, 'content-length': content.length }).end(content);
    return;
  }
  const from = Number(range[1]);
  const to = Math.min(range[2] ? Number(range[2]) : content.length - 1, content.length - 1);
  if (from > to) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const part = content.subarray(from, to + 1);
  const contentRange = `bytes ${from}-${to}/${content.length}`;
  response.writeHead(206, { ...headers, 'content-range': contentRange, 'content-length': part.length }).end(part);
}
