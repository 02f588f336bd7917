/**
 * Downloads one payload into staging: hashed while it is written, resumed where it broke off, and only given its name
 * when its hash is right and it is on disk.
 */
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NetworkError, PolicyError, TrustError } from '../errors.ts';
import { dropFile, syncDirectory } from '../os/atomic-file.ts';
import { ensureSpace, type MakeRoom, watchSpace } from '../os/space.ts';
import { storageError } from '../os/storage-error.ts';
import { isWebPage } from './body.ts';
import { withDeadline } from './deadline.ts';
import { chunksOf, type HttpClient, type HttpResponse } from './http.ts';
import { PartialFile } from './partial-file.ts';
import { createRateFloor } from './rate-floor.ts';
import type { RateLimiter } from './rate-limit.ts';
import { RESUMES, RequestError, statusError, tooLate } from './request-error.ts';
import { PAYLOAD_RETRIES, withRetries } from './retry.ts';
import { displayUrl } from './url.ts';

/** An attempt that brought this many bytes does not count as failed. */
const PROGRESS_SIZE = 1024 * 1024;

export interface DownloadRequest {
  readonly url: string;
  /** Of the published bytes, lower-case hex. */
  readonly sha256: string;
  /** Final path; the partial file is the same with `.partial`. */
  readonly path: string;
  readonly maxBytes: number;
  /** Called when space is short. */
  readonly makeRoom?: MakeRoom | undefined;
  readonly rateLimiter?: RateLimiter;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: { receivedBytes: number; totalBytes?: number }) => void;
}

/**
 * Downloads to `request.path`.
 * @throws NetworkError, TrustError for a wrong hash, PolicyError over the cap, StorageError
 */
export async function download(http: HttpClient, request: DownloadRequest): Promise<void> {
  const partial = `${request.path}.partial`;
  try {
    const file = await PartialFile.open(partial, request.maxBytes);
    const { downloadTimeoutSec } = http.limits;
    const expired = () => tooLate(request.url, 'DownloadTimeoutSec=', downloadTimeoutSec, RESUMES);
    try {
      await withDeadline(downloadTimeoutSec, request.signal, expired, (signal) =>
        fetchInto(http, { ...request, signal }, file),
      );
      await file.handle.sync();
    } finally {
      await file.handle.close();
    }
    await rename(partial, request.path);
    await syncDirectory(dirname(request.path));
  } catch (error) {
    const failure = storageError(partial, error);
    // What could not be written may look whole until the power fails, and must not keep a full disk full.
    if (failure !== error) await dropFile(partial);
    throw failure;
  }
}

async function fetchInto(http: HttpClient, request: DownloadRequest, file: PartialFile): Promise<void> {
  let { encoding, resumed } = await receive(http, request, file);
  if (file.digest() === request.sha256) return;
  if (resumed) {
    // What was there may be of another file, or damaged, and the rest may be no rest of it: once more, from nothing.
    await file.restart();
    ({ encoding, resumed } = await receive(http, request, file));
    if (file.digest() === request.sha256) return;
  }
  const found = file.digest();
  await file.restart();
  await rm(`${request.path}.partial`, { force: true });
  // Bodies are never decoded: what is listed is what is published.
  const encoded = encoding === undefined ? '' : `; the server sent it with Content-Encoding: ${encoding}, unasked`;
  const what = `hash mismatch: expected ${request.sha256}, got ${found}${encoded}`;
  throw new TrustError(`${displayUrl(request.url)}: ${what}`, {
    next: 'the server has another file than its manifest says; nothing was installed, a later run tries again',
  });
}

/**
 * Receives the rest of the file, over as many attempts as it takes.
 * @returns how the last answer was encoded, and whether it was only the rest of the file
 */
async function receive(
  http: HttpClient,
  request: DownloadRequest,
  file: PartialFile,
): Promise<{ encoding: string | undefined; resumed: boolean }> {
  const { signal } = request;
  let resumed = file.size > 0;
  let before = file.size;
  let etag: string | undefined;
  let encoding: string | undefined;
  await withRetries(
    http,
    async () => {
      before = file.size;
      const range = file.size > 0 ? { range: `bytes=${file.size}-`, ...(etag ? { 'if-range': etag } : {}) } : {};
      const response = await http.get(request.url, { headers: range, signal });
      const total = await beginBody(response, request, file);
      if (total === 'complete') return;
      // Weak validators do not promise the same bytes.
      const tag = response.header('etag');
      etag = tag?.startsWith('W/') ? undefined : tag;
      encoding = response.header('content-encoding');
      resumed = file.size > 0;
      await readInto(http, response, request, file, total);
    },
    { signal, retries: PAYLOAD_RETRIES, isProgress: () => file.size - before >= PROGRESS_SIZE },
  );
  return { encoding, resumed };
}

/** Checks status and headers and puts the file at the place where the body begins; the total size, when it is told. */
async function beginBody(
  response: HttpResponse,
  request: DownloadRequest,
  file: PartialFile,
): Promise<number | 'complete' | undefined> {
  const url = displayUrl(response.url);
  if (response.status === 416 && file.size > 0) {
    const complete = response.header('content-range') === `bytes */${file.size}`;
    response.body.destroy();
    if (complete) return 'complete';
    await file.restart();
    throw new RequestError(`${url}: the server refuses to resume`, { retryable: true });
  }
  if (response.status !== 200 && response.status !== 206) throw statusError(response);
  if (isWebPage(response)) {
    response.body.destroy();
    throw new NetworkError(`${url}: the server answered with a web page instead of the image`, {
      next: 'look at Path= and MatchPattern= of the definition',
    });
  }
  const total = await totalSize(response, file);
  const known = total ?? file.size;
  if (known > request.maxBytes) {
    response.body.destroy();
    throw overCap(request);
  }
  await ensureSpace(dirname(request.path), known - file.size, request.makeRoom).catch((error: unknown) => {
    response.body.destroy();
    throw error;
  });
  return total;
}

/** The size that the whole file is said to have; empties it where the answer begins at its beginning. */
async function totalSize(response: HttpResponse, file: PartialFile): Promise<number | undefined> {
  const length = Number(response.header('content-length') ?? Number.NaN);
  if (response.status === 200) {
    await file.restart();
    return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
  }
  const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(response.header('content-range') ?? '');
  if (!range || Number(range[1]) !== file.size) {
    response.body.destroy();
    await file.restart();
    throw new RequestError(`${displayUrl(response.url)}: the server sent another range than was asked for`, {
      retryable: true,
    });
  }
  // The server may cut the range short: then the rest is asked for again.
  const total = Number(range[2]);
  if (Number.isSafeInteger(total)) return total;
  return Number.isSafeInteger(length) ? file.size + length : undefined;
}

async function readInto(
  http: HttpClient,
  response: HttpResponse,
  request: DownloadRequest,
  file: PartialFile,
  total: number | undefined,
): Promise<void> {
  const report = () =>
    request.onProgress?.({ receivedBytes: file.size, ...(total === undefined ? {} : { totalBytes: total }) });
  const floor = createRateFloor(http.limits);
  const watch = watchSpace(dirname(request.path), request.makeRoom);
  try {
    for await (const chunk of chunksOf(response)) {
      if (file.size + chunk.length > request.maxBytes) throw overCap(request);
      await watch(chunk.length);
      await file.append(chunk);
      const received = performance.now();
      await request.rateLimiter?.take(chunk.length, request.signal);
      report();
      // What this side makes the server wait is not its slowness.
      if (floor.isTooSlow(chunk.length, performance.now() - received)) {
        const { minRate, minRateIntervalSec } = http.limits;
        const what = `slower than MinRate= (${minRate} bytes per second) for ${minRateIntervalSec} s`;
        throw new RequestError(`${displayUrl(response.url)}: ${what}`, { retryable: false, next: RESUMES });
      }
    }
  } catch (error) {
    response.body.destroy();
    throw error;
  } finally {
    // What has arrived is kept, whatever ended the attempt.
    await file.flush();
  }
  if (total !== undefined && file.size !== total) {
    const message = `${displayUrl(response.url)}: ended after ${file.size} of ${total} bytes`;
    throw new RequestError(message, { retryable: true });
  }
}

function overCap(request: DownloadRequest): PolicyError {
  return new PolicyError(`${displayUrl(request.url)}: larger than MaxImageSize= (${request.maxBytes} bytes)`, {
    next: 'raise MaxImageSize= in extupdate.conf if the image is meant to be that large',
  });
}
