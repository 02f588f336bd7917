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
  const { status, headers, body } = answerFor(directory, path, request.headers);
  response.writeHead(status, headers).end(body);
}

/** An answer before it is written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: Buffer;
}

/** What a static file server answers. */
export function answerFor(directory: string, path: string, asked: IncomingMessage['headers']): Answer {
  const nothing = Buffer.alloc(0);
  const file = join(directory, path);
  const info = path.includes('..') ? undefined : statSync(file, { throwIfNoEntry: false });
  if (!info?.isFile()) {
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: Buffer.from('not found\n') };
  }
  const content = readFileSync(file);
  const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 24)}"`;
  const headers = { etag, 'last-modified': info.mtime.toUTCString(), 'accept-ranges': 'bytes' };
  if (asked['if-none-match'] === etag) return { status: 304, headers, body: nothing };
  const range = /^bytes=([0-9]+)-([0-9]*)$/.exec(asked.range ?? '');
  const matches = asked['if-range'] === undefined || asked['if-range'] === etag;
  if (!range || !matches) {
    return { status: 200, headers: { ...headers, 'content-length': content.length }, body: content };
  }
  const from = Number(range[1]);
  const to = Math.min(range[2] ? Number(range[2]) : content.length - 1, content.length - 1);
  if (from > to) {
    return { status: 416, headers: { ...headers, 'content-range': `bytes */${content.length}` }, body: nothing };
  }
  const body = content.subarray(from, to + 1);
  const contentRange = `bytes ${from}-${to}/${content.length}`;
  return { status: 206, headers: { ...headers, 'content-range': contentRange, 'content-length': body.length }, body };
}
