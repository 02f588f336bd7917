/**
 * A server on loopback, for HTTP and HTTPS, that serves a directory as a static file server does, but for what its
 * switches say. A switch is set for paths; one of connections or TLS concerns the whole server.
 */
import { readFileSync, statSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { matchesGlob } from '../../../src/resolve/glob.ts';
import { answerFor, serveFile } from '../server.ts';
import { HONEST } from './redirects.ts';
import type { Exchange, Switch } from './switch.ts';
import { findSwitch } from './switches.ts';
import { goodTls } from './tls.ts';

export interface FaultServer {
  readonly url: string;
  readonly secureUrl: string;
  /** Every request, also those that a switch answered. */
  readonly requests: readonly SeenRequest[];
  /** How long a switch has kept clients busy, in milliseconds: from its first connection or request to the end of its last. */
  readonly faultyMs: number;
  /**
   * Sets a switch.
   * @param setting `NAME` or `NAME=VALUE`
   * @param paths glob of paths, in which `*` stands for slashes, too
   */
  set(setting: string, paths?: string): void;
  /** Takes all switches back, and listens again. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** The switch that answered. */
  readonly by?: string;
}

interface Setting {
  readonly what: Switch;
  readonly value: string;
  readonly paths: string;
  /** Requests by path, and connections, that it has had. */
  readonly turns: Map<string, number>;
}

export interface FaultServerOptions {
  /** Directory with older copies, for the switches that send them. */
  readonly old?: string;
  /** Ports for HTTP and HTTPS; any free ones by default. */
  readonly ports?: readonly [number, number];
}

/** Starts the server for a directory. */
export async function startFaultServer(directory: string, options: FaultServerOptions = {}): Promise<FaultServer> {
  const requests: SeenRequest[] = [];
  const settings: Setting[] = [];
  const sockets = new Set<Socket>();
  const busy = { since: 0, until: 0 };

  const begin = () => {
    busy.since ||= performance.now();
    busy.until = Number.POSITIVE_INFINITY;
  };
  let open = 0;
  /** Until the connection ends, or the answer is complete. */
  const watch = (ended: (done: () => void) => void) => {
    begin();
    open += 1;
    let isOpen = true;
    ended(() => {
      if (isOpen) open -= 1;
      isOpen = false;
      if (open === 0) busy.until = performance.now();
    });
  };

  const handle = (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = pathOf(url);
    const honest = url.searchParams.has(HONEST);
    const setting = settings.find(({ what, paths }) => what.answer && !honest && isFor(paths, path));
    const before = requests.length;
    const { method = '', headers } = request;
    requests.push({ method, url: request.url ?? '', headers, ...(setting ? { by: setting.what.name } : {}) });
    // A client that has heard enough goes away; that is no error here.
    response.on('error', () => {});
    if (!setting) return serveFile(directory, path, request, response);
    const { socket } = request;
    watch((done) => {
      response.once('finish', done);
      socket.once('close', done);
    });
    const file = join(directory, path);
    const exchange: Exchange = {
      request,
      response,
      socket,
      path,
      value: setting.value,
      turn: takeTurn(setting, path),
      before,
      honest: answerFor(directory, path, request.headers),
      file: statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file) : Buffer.alloc(0),
      server: {
        url: addresses.url,
        secureUrl: addresses.secureUrl,
        otherUrl: addresses.otherUrl,
        old: options.old ?? directory,
      },
      serve: () => serveFile(directory, path, request, response),
      stopListening: () => [plain, secure].forEach((listener) => void listener.close()),
      every: (milliseconds, step) => {
        const timer = setInterval(step, milliseconds);
        socket.once('close', () => clearInterval(timer));
      },
    };
    setting.what.answer?.(exchange);
  };

  const http = createHttpServer(handle);
  const secured = new Map<string, HttpsServer>();
  const https = () => {
    const setting = settings.find(({ what }) => what.tls);
    const key = setting ? `${setting.what.name}=${setting.value}` : '';
    const made = secured.get(key) ?? createHttpsServer({ ...goodTls(), ...setting?.what.tls?.(setting.value) }, handle);
    secured.set(key, made);
    return made;
  };
  const listenerFor = (isSecure: boolean) =>
    createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => sockets.delete(socket));
      const pass = () => void (isSecure ? https() : http).emit('connection', socket);
      const whole = settings.find(({ what }) => (what.connect || what.tls) && (isSecure || what.over !== 'https'));
      if (whole) watch((done) => void socket.once('close', done));
      if (!whole?.what.connect) return pass();
      whole.what.connect({ socket, value: whole.value, turn: takeTurn(whole, ''), pass });
    });
  const plain = listenerFor(false);
  const secure = listenerFor(true);
  const other = createHttpServer((request, response) => {
    const path = pathOf(new URL(request.url ?? '/', 'http://localhost'));
    requests.push({ method: request.method ?? '', url: `other:${request.url}`, headers: request.headers });
    serveFile(directory, path, request, response);
  });
  const ports = [
    await listen(plain, options.ports?.[0]),
    await listen(secure, options.ports?.[1]),
    await listen(other),
  ];
  const addresses = {
    url: `http://127.0.0.1:${ports[0]}`,
    secureUrl: `https://127.0.0.1:${ports[1]}`,
    otherUrl: `http://127.0.0.1:${ports[2]}`,
  };

  return {
    ...addresses,
    requests,
    get faultyMs() {
      return Math.min(busy.until, performance.now()) - (busy.since || Math.min(busy.until, performance.now()));
    },
    set(setting, paths = '*') {
      const [name = '', ...rest] = setting.split('=');
      const what = findSwitch(name);
      const value = rest.length > 0 ? rest.join('=') : (what.values?.[0] ?? '');
      settings.push({ what, value, paths, turns: new Map() });
    },
    async clear() {
      settings.length = 0;
      for (const socket of sockets) socket.destroy();
      if (!plain.listening) await listen(plain, ports[0]);
      if (!secure.listening) await listen(secure, ports[1]);
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      other.closeAllConnections();
      for (const server of [plain, secure, other]) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Whether a glob, with or without the slash at its beginning, is for a path. */
function isFor(paths: string, path: string): boolean {
  return matchesGlob(paths.startsWith('/') || paths.startsWith('*') ? paths : `/${paths}`, path);
}

/** The path that is meant, or the one that is said where that means nothing. */
function pathOf({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}

function takeTurn({ turns }: Setting, path: string): number {
  const turn = turns.get(path) ?? 0;
  turns.set(path, turn + 1);
  return turn;
}

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
