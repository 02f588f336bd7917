/** Small bodies, read whole under a cap. */
import { PolicyError } from '../errors.ts';
import { withDeadline } from './deadline.ts';
import { chunksOf, type HttpClient, type HttpResponse } from './http.ts';
import { RequestError, statusError, tooLate } from './request-error.ts';
import { withRetries } from './retry.ts';
import { displayUrl } from './url.ts';

/** What a server said of the state of a file, for the next conditional request. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export interface FetchedBody extends Validators {
  readonly url: string;
  readonly bytes: Buffer;
}

/**
 * Fetches a small file, with retries.
 * @returns 'unchanged' for a 304 on a conditional request; undefined when the server does not have it (404, 410, and
 *   a web page in place of data)
 * @throws RequestError, PolicyError over `maxBytes`
 */
export async function fetchBody(
  http: HttpClient,
  url: string,
  options: {
    readonly maxBytes: number;
    readonly previous?: Validators;
    /** What a body over `maxBytes` is; PolicyError by default. */
    readonly tooLarge?: (message: string) => Error;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<FetchedBody | 'unchanged' | undefined> {
  const { previous, signal } = options;
  const headers = {
    ...(previous?.etag ? { 'if-none-match': previous.etag } : {}),
    ...(previous?.lastModified ? { 'if-modified-since': previous.lastModified } : {}),
  };
  return withinListTimeout(http, url, signal, async (within) => {
    const response = await http.get(url, { headers, signal: within });
    if (response.status === 304 && previous) {
      response.body.destroy();
      return 'unchanged';
    }
    // 403 is what object stores answer for what is not there.
    if ([403, 404, 410].includes(response.status)) {
      response.body.destroy();
      return undefined;
    }
    if (response.status !== 200) throw statusError(response);
    if (isWebPage(response)) {
      response.body.destroy();
      return undefined;
    }
    const bytes = await readBody(response, options.maxBytes, options.tooLarge);
    if (/^\s*<(!doctype html|html)/i.test(bytes.subarray(0, 256).toString('latin1'))) return undefined;
    const etag = response.header('etag');
    const lastModified = response.header('last-modified');
    return { url: response.url, bytes, etag, lastModified };
  });
}

/**
 * Tries an operation on a small file, within `ListTimeoutSec=` for all tries: a server that drips must not hold up a
 * run. What a server asks to wait is not counted.
 */
function withinListTimeout<T>(
  http: HttpClient,
  url: string,
  signal: AbortSignal | undefined,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { listTimeoutSec } = http.limits;
  let leftSec = listTimeoutSec;
  return withRetries(
    http,
    async () => {
      const began = performance.now();
      try {
        return await withDeadline(leftSec, signal, () => tooLate(url, 'ListTimeoutSec=', listTimeoutSec), operation);
      } finally {
        leftSec -= (performance.now() - began) / 1000;
      }
    },
    { signal },
  );
}

/** Whether the answer declares itself a page for people, which no image, list or signature is. */
export function isWebPage(response: HttpResponse): boolean {
  return /^(text\/html|application\/xhtml)/i.test(response.header('content-type') ?? '');
}

const overLimit = (message: string): Error =>
  new PolicyError(message, { next: 'ask the publisher what it is; nothing was changed here' });

/** Reads a body to its end. @throws PolicyError over `maxBytes`; RequestError when it breaks off */
export async function readBody(response: HttpResponse, maxBytes: number, tooLarge = overLimit): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunksOf(response)) {
    size += chunk.length;
    if (size > maxBytes) {
      response.body.destroy();
      throw tooLarge(`${displayUrl(response.url)}: larger than the limit of ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  const length = response.header('content-length');
  if (length !== undefined && Number(length) !== size) {
    throw new RequestError(`${displayUrl(response.url)}: ended after ${size} of ${length} bytes`, { retryable: true });
  }
  return Buffer.concat(chunks, size);
}
