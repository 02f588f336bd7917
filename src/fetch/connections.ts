/** How connections are made: limits, TLS, proxies. */
import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher, Pool } from 'undici';
import { ConfigError } from '../errors.ts';
import type { NetworkLimits } from './limits.ts';

/** Connections to one server; enough for many components without being a burden. */
const CONNECTIONS = 8;
/** Largest header of an answer, in bytes. */
const HEADERS_SIZE_MAX = 16 * 1024;

export interface ConnectionOptions {
  /** For all requests; undefined = what the environment says. */
  readonly proxy?: string;
  /** PEM text of the trusted authorities; undefined = those that Node brings. */
  readonly authorities: string | undefined;
  readonly limits: NetworkLimits;
}

/** @throws ConfigError for a proxy of the environment that is none */
export function createDispatcher(
  undici: typeof import('undici'),
  { proxy, authorities, limits }: ConnectionOptions,
): Dispatcher {
  const stall = limits.stallTimeoutSec * 1000;
  const common = {
    connections: CONNECTIONS,
    headersTimeout: stall,
    bodyTimeout: stall,
    maxHeaderSize: HEADERS_SIZE_MAX,
  };
  const tls = {
    timeout: limits.connectTimeoutSec * 1000,
    // Said here, it does not depend on NODE_TLS_REJECT_UNAUTHORIZED.
    rejectUnauthorized: true,
    ...(authorities === undefined ? {} : { ca: authorities }),
  };
  const direct = { ...common, connect: withSafeEnd(undici.buildConnector(tls)) };
  const environment = proxy === undefined ? proxyEnvironment() : {};
  if (proxy === undefined && Object.keys(environment).length === 0) return new undici.Agent(direct);

  // Proxies make their pools themselves, with limits and connections of their own.
  const pool = (origin: string | URL, { connect, ...more }: Pool.Options) => {
    const guarded = typeof connect === 'function' ? { connect: withSafeEnd(connect) } : {};
    return new undici.Pool(origin, { ...more, ...common, ...guarded });
  };
  // undici 7 tunnels http:// through proxies by default, which common proxies refuse.
  const proxied = { ...direct, requestTls: tls, proxyTls: tls, proxyTunnel: false, clientFactory: pool, factory: pool };
  return proxy === undefined
    ? new undici.EnvHttpProxyAgent({ ...direct, ...proxied, ...environment })
    : new undici.ProxyAgent({ ...proxied, uri: proxy });
}

/** Proxies of the environment; `HOST:PORT` without a scheme is common there. @throws ConfigError */
function proxyEnvironment(): { httpProxy?: string; httpsProxy?: string } {
  const httpProxy = proxyVariable('http_proxy');
  const httpsProxy = proxyVariable('https_proxy');
  return { ...(httpProxy ? { httpProxy } : {}), ...(httpsProxy ? { httpsProxy } : {}) };
}

function proxyVariable(name: string): string | undefined {
  const value = process.env[name] || process.env[name.toUpperCase()];
  if (!value) return undefined;
  const proxy = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(proxy)) return proxy;
  throw new ConfigError(`${name} in the environment is not the URL of a proxy`, {
    next: `set ${name}=http://HOST:PORT, or Proxy= in extupdate.conf`,
  });
}

/** What of undici's parser {@link withSafeEnd} needs. */
interface Parser {
  paused: boolean;
  /** Does nothing unless it is paused. */
  resume(): void;
  readonly llhttp: { llhttp_resume(pointer: unknown): void };
  readonly ptr: unknown;
}

/**
 * undici 7 fails an assertion, which ends the process, when a connection ends while a slow reader has its parser paused
 * (nodejs/undici#5360; mended in 8, which needs a newer Node). What has come by then is in memory anyway: the parser
 * goes on before it hears of the end.
 */
function withSafeEnd(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...result) => {
      const [, socket] = result;
      if (socket) resumeAtEnd(socket);
      callback(...result);
    });
}

function resumeAtEnd(socket: Socket): void {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const parser = event === 'end' || event === 'error' || event === 'close' ? parserOf(socket) : undefined;
    parser?.resume();
    if (parser?.paused) {
      // A body that ends with its connection pauses again, and one of a broken connection cannot be resumed.
      parser.llhttp.llhttp_resume(parser.ptr);
      parser.paused = false;
    }
    return emit(event, ...args);
  };
}

function parserOf(socket: Socket): Parser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  return key === undefined ? undefined : (socket as unknown as Record<symbol, Parser | undefined>)[key];
}
