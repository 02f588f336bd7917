/**
 * HTTP(S) requests: the only importer of undici. Redirects are followed here, by the rules of `url.ts`; bodies are never
 * decoded, because hashes are of the published bytes.
 */
import type { Dispatcher } from 'undici';
import { createDispatcher } from './connections.ts';
import type { Authorization } from './credentials.ts';
import { getFile, isFileUrl } from './file-url.ts';
import type { NetworkLimits } from './limits.ts';
import { RequestError, requestError } from './request-error.ts';
import { displayUrl, redirectTarget, sameOrigin, withoutCredentials } from './url.ts';

/** Redirects that are followed before a loop is assumed. */
const REDIRECTS_MAX = 5;
/** Interim answers (1xx) before the final one; each of them counts as a sign of life. */
const INTERIM_ANSWERS_MAX = 10;
export interface HttpOptions {
  readonly allowHttp: boolean;
  readonly proxy?: string;
  /** PEM text of the trusted authorities; read when the first https request is made. */
  readonly authorities: () => string | undefined;
  readonly authorization: Authorization;
  readonly userAgent: string;
  readonly limits: NetworkLimits;
  /** Told what makes the run wait. */
  readonly notice?: (text: string) => void;
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

export interface HttpClient {
  /** Sends a GET and follows redirects. Any final status is an answer; only failures throw. @throws RequestError */
  get(url: string, request?: HttpRequest): Promise<HttpResponse>;
  readonly limits: NetworkLimits;
  readonly notice: (text: string) => void;
  close(): Promise<void>;
}

/** Makes a client; undici is loaded with the first request. */
export function createHttpClient(options: HttpOptions): HttpClient {
  let loading: Promise<{ request: typeof import('undici').request; dispatcher: Dispatcher }> | undefined;
  const load = async () => {
    // undici is CommonJS: only its default export survives bundling.
    const { default: undici } = await import('undici');
    const { proxy, limits } = options;
    const authorities = options.authorities();
    const dispatcher = createDispatcher(undici, { authorities, limits, ...(proxy === undefined ? {} : { proxy }) });
    return { request: undici.request, dispatcher };
  };

  async function send(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<HttpResponse> {
    loading ??= load();
    const { request, dispatcher } = await loading;
    try {
      let interim = 0;
      const onInfo = () => {
        interim += 1;
        if (interim > INTERIM_ANSWERS_MAX)
          throw new RequestError(`${displayUrl(url)}: no end of interim answers`, {
            retryable: false,
          });
      };
      const response = await request(url, { dispatcher, headers, onInfo, ...(signal ? { signal } : {}) });
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
    limits: options.limits,
    notice: options.notice ?? (() => {}),
    async get(url, request = {}) {
      if (isFileUrl(url)) return getFile(url, request.headers);
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
      // What could not be made has been told.
      const made = await loading?.catch(() => undefined);
      await made?.dispatcher.destroy();
    },
  };
}

/** The pieces of a body; only what fails in receiving them becomes a {@link RequestError}. */
export async function* chunksOf(response: HttpResponse): AsyncGenerator<Buffer> {
  try {
    yield* response.body;
  } catch (error) {
    throw requestError(response.url, error);
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
