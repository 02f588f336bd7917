/** A server in a process of its own that answers from memory, so that serving distorts no measurement. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

interface Served {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ServerProcess {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts this very program again as `serve DIRECTORY`. */
export async function startServerProcess(directory: string): Promise<ServerProcess> {
  const [program = ''] = process.argv.slice(1);
  const child: ChildProcess = spawn(process.execPath, [...process.execArgv, program, 'serve', directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (!child.stdout) throw new Error('the server has no standard output');
  const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (line.done) throw new Error('the server did not start');
  const exit = once(child, 'exit');
  return {
    url: String(line.value),
    async close() {
      child.stdin?.end();
      await exit;
    },
  };
}

/** Loads a directory and serves it on loopback until standard input ends, also by the death of who holds it. */
export async function serveFromMemory(directory: string): Promise<void> {
  const files = load(directory);
  const server = createServer((request, response) => {
    const file = files.get(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (file) answer(file, request, response);
    else response.writeHead(404).end('not found\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  await once(process.stdin.resume(), 'end');
  server.closeAllConnections();
  server.close();
}

function load(directory: string): Map<string, Served> {
  const files = new Map<string, Served>();
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    const info = statSync(path);
    if (!info.isFile()) continue;
    const content = readFileSync(path);
    const etag = `"${createHash('sha256').update(content).digest('hex').slice(0, 24)}"`;
    const headers = { etag, 'last-modified': info.mtime.toUTCString(), 'accept-ranges': 'bytes' };
    files.set(`/${name}`, { content, headers });
  }
  return files;
}

/** Conditional requests and ranges, as any static file server has them. */
function answer({ content, headers }: Served, request: IncomingMessage, response: ServerResponse): void {
  if (request.headers['if-none-match'] === headers.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? '');
  if (!range) {
    response.writeHead(200, { ...headers, 'content-length': content.length }).end(content);
    return;
  }
  const from = Number(range[1]);
  const to = Math.min(range[2] ? Number(range[2]) : content.length - 1, content.length - 1);
  const part = content.subarray(from, to + 1);
  const contentRange = `bytes ${from}-${to}/${content.length}`;
  response.writeHead(206, { ...headers, 'content-range': contentRange, 'content-length': part.length }).end(part);
}
