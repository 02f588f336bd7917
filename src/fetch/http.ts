/**
 * HTTP(S) requests: the only importer of undici. Redirects are followed here, by the rules of `url.ts`; bodies are never
 * decoded, because hashes are of the published bytes.
 */
import type { Dispatcher } from 'undici';
import { NetworkError } from '../errors.ts';
import type { Authorization } from './credentials.ts';
import { getFile, isFileUrl } from './file-url.ts';
import { displayUrl, redirectTarget, sameOrigin } from './url.ts';

/** Redirects that are followed before a loop is assumed. */
const REDIRECTS_MAX = 5;
/** Milliseconds to connect, to the first header, and between two pieces of a body. */
const CONNECT_TIMEOUT = 10_000;
const HEADERS_TIMEOUT = 30_000;
const BODY_TIMEOUT = 30_000;
/** Connections to one server; enough for many components without being a burden. */
const CONNECTIONS = 8;

export interface HttpOptions {
  readonly allowHttp: boolean;
  readonly proxy?: string;
  /** PEM text of the trusted authorities; read when the first https request is made. */
  readonly authorities: () => string | undefined;
  readonly authorization: Authorization;
  readonly userAgent: string;
}

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  /** The URL that answered, after redirects. */
  readonly url: string;
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Buffer> & { destroy(): void };
}

/** A failed request; `retryAfter` is what the server asked for, in seconds. */
export class RequestError extends NetworkError {
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly status: number | undefined;

  constructor(
    message: string,
    details: { retryable: boolean; retryAfter?: number | undefined; status?: number; cause?: unknown; next?: string },
  ) {
    super(message, details);
    this.retryable = details.retryable;
    this.retryAfter = details.retryAfter;
    this.status = details.status;
  }
}

export interface HttpClient {
  /** Sends a GET and follows redirects. Any final status is an answer; only failures throw. @throws RequestError */
  get(url: string, request?: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** Makes a client; undici is loaded with the first request. */
export function createHttpClient(options: HttpOptions): HttpClient {
  let loading: Promise<{ request: typeof import('undici').request; dispatcher: Dispatcher }> | undefined;
  const load = async () => {
    // undici's HTTP parser is WebAssembly. Optimising it takes V8 a tenth of a second, for which the process waits at
    // its end, and 20 MiB; a run is too short to earn that back.
    const { setFlagsFromString } = await import('node:v8');
    setFlagsFromString('--liftoff-only');
    // undici is CommonJS: only its default export survives bundling.
    const { default: undici } = await import('undici');
    const common = { connections: CONNECTIONS, headersTimeout: HEADERS_TIMEOUT, bodyTimeout: BODY_TIMEOUT };
    const ca = options.authorities();
    const connect = { timeout: CONNECT_TIMEOUT, ...(ca === undefined ? {} : { ca }) };
    const tls = ca === undefined ? {} : { requestTls: { ca }, proxyTls: { ca } };
    // undici 7 tunnels http:// through proxies by default, which common proxies refuse.
    const proxied = { ...common, connect, ...tls, proxyTunnel: false };
    const dispatcher = options.proxy
      ? new undici.ProxyAgent({ ...proxied, uri: options.proxy })
      : hasProxyEnvironment()
        ? new undici.EnvHttpProxyAgent(proxied)
        : new undici.Agent({ ...common, connect });
    return { request: undici.request, dispatcher };
  };

  async function send(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<HttpResponse> {
    loading ??= load();
    const { request, dispatcher } = await loading;
    try {
      const response = await request(url, { dispatcher, headers, ...(signal ? { signal } : {}) });
      // A body that nobody reads any more may still fail; that is nobody's error.
      response.body.on('error', () => {});
      return {
        url,
        status: response.statusCode,
        header: (name) => single(response.headers[name.toLowerCase()]),
        body: response.body as unknown as HttpResponse['body'],
      };
    } catch (error) {
      throw requestError(url, error);
    }
  }

  return {
    async get(url, request = {}) {
      if (isFileUrl(url)) return getFile(url);
      let current = url;
      for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
        const authorization = sameOrigin(url, current) ? options.authorization(url) : undefined;
        const headers = {
          'user-agent': options.userAgent,
          'accept-encoding': 'identity',
          ...request.headers,
          ...(authorization === undefined ? {} : { authorization }),
        };
        const response = await send(withoutCredentials(current), headers, request.signal);
        const location = response.header('location');
        if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
        response.body.destroy();
        current = redirectTarget(current, location, options.allowHttp);
      }
      throw new RequestError(`${displayUrl(url)}: more than ${REDIRECTS_MAX} redirects`, { retryable: false });
    },
    async close() {
      if (loading) await (await loading).dispatcher.destroy();
    },
  };
}

/** The error for an answer that is not the wanted one. */
export function statusError(response: HttpResponse): RequestError {
  response.body.destroy();
  const { status } = response;
  const retryable = [408, 425, 429, 500, 502, 503, 504].includes(status);
  const next = [401, 403, 407].includes(status)
    ? 'look at Credential= in extupdate.conf'
    : 'a later run tries again; if it stays, tell the publisher';
  return new RequestError(`${displayUrl(response.url)}: the server answered ${status}`, {
    retryable,
    status,
    retryAfter: parseRetryAfter(response.header('retry-after')),
    next,
  });
}

/** The pieces of a body; only what fails in receiving them becomes a {@link RequestError}. */
export async function* chunksOf(response: HttpResponse): AsyncGenerator<Buffer> {
  try {
    yield* response.body;
  } catch (error) {
    throw requestError(response.url, error);
  }
}

/** The failure of a connection or a body, told in words. */
function requestError(url: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof NetworkError || error.name === 'AbortError') return error;
  if (error.name === 'TimeoutError') {
    return new RequestError(`${displayUrl(url)}: took too long altogether`, { retryable: false, cause: error });
  }
  const cause = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const code = (cause as NodeJS.ErrnoException).code ?? cause.name;
  const words = FAILURES[code];
  const tls = /CERT|SSL|TLS|ALTNAME|SELF_SIGNED|ISSUER|UNABLE_TO_/.test(code);
  const what = words ?? (tls ? `TLS: ${cause.message}` : cause.message || code);
  const clock = /NOT_YET_VALID|EXPIRED/.test(code) ? ` (this machine's clock says ${new Date().toISOString()})` : '';
  return new RequestError(`${displayUrl(url)}: ${what}${clock}`, {
    retryable: !tls && code !== 'ERR_INVALID_URL' && code !== 'ENOTFOUND',
    cause: error,
    ...(code === 'ENOTFOUND' ? { next: 'look at the host name in Path=, and at the network' } : {}),
  });
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up now',
  ENETUNREACH: 'the network is unreachable',
  EHOSTUNREACH: 'the host is unreachable',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within 10 s',
  UND_ERR_HEADERS_TIMEOUT: 'no answer within 30 s',
  UND_ERR_BODY_TIMEOUT: 'no byte for 30 s',
  UND_ERR_SOCKET: 'the server closed the connection in the middle of its answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than it said',
  UND_ERR_ABORTED: 'the proxy refused the connection',
};

/** `Retry-After:` in seconds; undefined for what makes no sense. */
function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^[0-9]+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return seconds >= 0 ? seconds : undefined;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function withoutCredentials(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

function hasProxyEnvironment(): boolean {
  return ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'].some((name) => process.env[name]);
}
