/** Failures of requests, told in words, and what to do about each. */
import { NetworkError } from '../errors.ts';
import { displayUrl } from './url.ts';

/** A failed request; `retryAfter` is what the server asked for, in seconds. */
export class RequestError extends NetworkError {
  readonly retryable: boolean;
  readonly retryAfter: number | undefined;
  readonly status: number | undefined;

  constructor(
    message: string,
    details: {
      readonly retryable: boolean;
      readonly retryAfter?: number | undefined;
      readonly status?: number;
      readonly cause?: unknown;
      readonly next?: string;
    },
  ) {
    super(message, { next: LATER, ...details });
    this.retryable = details.retryable;
    this.retryAfter = details.retryAfter;
    this.status = details.status;
  }
}

const LATER = 'a later run tries again; if it stays, tell the publisher';
/** What arrived of a payload is kept. */
export const RESUMES = 'what has arrived is kept, and a later run goes on from there';

/** The error for an answer that is not the wanted one. */
export function statusError(response: {
  readonly url: string;
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: { destroy(): void };
}): RequestError {
  response.body.destroy();
  const { status } = response;
  const retryAfter = parseRetryAfter(response.header('retry-after'), Date.now());
  const wait = retryAfter ? `, and asks to wait ${Math.ceil(retryAfter)} s` : '';
  return new RequestError(`${displayUrl(response.url)}: the server answered ${status}${wait}`, {
    retryable: [408, 425, 429, 500, 502, 503, 504].includes(status),
    status,
    retryAfter,
    next: STATUS_STEPS[status] ?? LATER,
  });
}

const STATUS_STEPS: Readonly<Record<number, string>> = {
  401: 'look at Credential= in extupdate.conf',
  403: 'look at Credential= in extupdate.conf, and at Path= of the definition',
  407: 'look at Proxy= in extupdate.conf and at http_proxy and https_proxy: the proxy wants a user and a password',
};

/**
 * The failure of a connection or a body, told in words; what is no such failure is returned as it is.
 * @param url where the request went
 */
export function requestError(url: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof NetworkError) return error;
  // undici gives this name to the refusal of a proxy, too.
  if (error.name === 'AbortError' && (error as NodeJS.ErrnoException).code !== 'UND_ERR_ABORTED') return error;
  const cause = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  const code = (cause as NodeJS.ErrnoException).code ?? cause.name;
  const { what, next, retryable } = describe(code, cause.message.split('\n', 1)[0] || code);
  const clock = /NOT_YET_VALID|EXPIRED/.test(code) ? `; this machine's clock says ${new Date().toISOString()}` : '';
  return new RequestError(`${displayUrl(url)}: ${what}${clock}`, { retryable, cause: error, next });
}

interface Description {
  readonly what: string;
  readonly next: string;
  readonly retryable: boolean;
}

function describe(code: string, message: string): Description {
  const network = NETWORK[code];
  if (network !== undefined) return { what: network, next: LOOK_AT_NETWORK, retryable: code !== 'ENOTFOUND' };
  const answer = ANSWERS[code];
  if (answer !== undefined) return { what: answer, next: LATER, retryable: true };
  if (/^HPE_|^HTTPParserError$/.test(code)) return { what: lowerFirst(message), next: LATER, retryable: true };
  const status = /Proxy response \(([0-9]+)\)/.exec(message)?.[1] ?? (/Proxy Auth.*\(407\)/.test(message) ? '407' : '');
  if (status !== '') {
    const retryable = /^5|408|429/.test(status);
    return { what: `the proxy answered ${status}`, next: STATUS_STEPS[407] ?? LATER, retryable };
  }
  if (!/CERT|SSL|TLS|ALTNAME|SELF_SIGNED|ISSUER|UNABLE_TO_|EPROTO/.test(code)) {
    return { what: message, next: LOOK_AT_NETWORK, retryable: code !== 'ERR_INVALID_URL' };
  }
  // OpenSSL says where in its source it noticed.
  const told = /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message.replace(/[:\s]+$/, '');
  return { what: `TLS: ${TLS[code] ?? told}`, next: tlsStep(code), retryable: false };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const LOOK_AT_NETWORK = 'look at the network, the proxy, and the host in the URL; a later run tries again';

/** Nothing that the server said: there was no connection, or it ended. */
const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up now',
  ENETUNREACH: 'the network is unreachable',
  EHOSTUNREACH: 'the host is unreachable',
  EADDRNOTAVAIL: 'the address cannot be reached from here',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'no connection within ConnectTimeoutSec=',
};

/** The server said something that is no whole answer. */
const ANSWERS: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: 'no answer within StallTimeoutSec=',
  UND_ERR_BODY_TIMEOUT: 'no byte within StallTimeoutSec=',
  UND_ERR_SOCKET: 'the server closed the connection in the middle of its answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer has another length than it said',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are larger than 16 KiB',
};

const TLS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not yet valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is signed by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is signed by an authority that is not trusted here',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the server only knows versions of TLS that are no longer safe',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the server only knows versions of TLS that are no longer safe',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS on this port',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server wants a certificate of the client, which is not supported',
};

function tlsStep(code: string): string {
  if (/EXPIRED|NOT_YET_VALID/.test(code))
    return 'set the clock of this machine if it is wrong; else tell the publisher';
  if (/SELF_SIGNED|ISSUER|UNABLE_TO_/.test(code)) {
    return 'CAFile= in extupdate.conf names authorities to trust; if none is missing there, tell the publisher';
  }
  return 'look at the scheme, host and port in Path= of the definition; if they are right, tell the publisher';
}

/** The error for a server that is alive and does not come to an end. */
export function tooLate(url: string, setting: string, seconds: number, next: string = LATER): RequestError {
  return new RequestError(`${displayUrl(url)}: took longer than ${setting} (${seconds} s)`, { retryable: false, next });
}

/**
 * `Retry-After:` in seconds (RFC 9110, 10.2.3); undefined for what makes no sense.
 * @param now in milliseconds
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^[0-9]+$/.test(value)) return Number(value);
  const isDate = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/.test(value);
  const seconds = isDate ? (Date.parse(value) - now) / 1000 : Number.NaN;
  return seconds >= 0 ? seconds : undefined;
}
