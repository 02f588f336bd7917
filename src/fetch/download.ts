/**
 * Downloads one payload into staging: hashed while it is written, resumed where it broke off, and only given its name
 * when its hash is right and it is on disk.
 */
import { createHash, type Hash } from 'node:crypto';
import { constants, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { NetworkError, PolicyError, TrustError } from '../errors.ts';
import { dropFile, syncDirectory, writeAll } from '../os/atomic-file.ts';
import { ensureSpace, type MakeRoom, watchSpace } from '../os/space.ts';
import { storageError } from '../os/storage-error.ts';
import { isWebPage } from './body.ts';
import { chunksOf, type HttpClient, type HttpResponse, RequestError, statusError } from './http.ts';
import type { RateLimiter } from './rate-limit.ts';
import { PAYLOAD_RETRIES, withRetries } from './retry.ts';
import { displayUrl } from './url.ts';

/** Bytes that are gathered before they are written. */
const WRITE_SIZE = 1024 * 1024;
/** Least bytes per second, over so many milliseconds; a slower server only seems to be alive. */
const LEAST_RATE = 1024;
const RATE_WINDOW = 300_000;
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
    const file = await PartialFile.open(partial);
    try {
      await fetchInto(http, request, file);
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
  const resumed = file.size > 0;
  await receive(http, request, file);
  if (file.digest() === request.sha256) return;
  if (resumed) {
    // What an earlier run left may be of another file, or damaged: once more from the beginning.
    await file.restart();
    await receive(http, request, file);
    if (file.digest() === request.sha256) return;
  }
  const found = file.digest();
  await file.restart();
  await rm(`${request.path}.partial`, { force: true });
  throw new TrustError(`${displayUrl(request.url)}: hash mismatch: expected ${request.sha256}, got ${found}`, {
    next: 'the server has another file than its manifest says; nothing was installed, a later run tries again',
  });
}

/** Receives the rest of the file, over as many attempts as it takes. */
async function receive(http: HttpClient, request: DownloadRequest, file: PartialFile): Promise<void> {
  const limits = { signal: request.signal };
  let before = file.size;
  let etag: string | undefined;
  await withRetries(
    async () => {
      before = file.size;
      const range = file.size > 0 ? { range: `bytes=${file.size}-`, ...(etag ? { 'if-range': etag } : {}) } : {};
      const response = await http.get(request.url, { headers: range, ...limits });
      const total = await beginBody(response, request, file);
      if (total === 'complete') return;
      // Weak validators do not promise the same bytes.
      const tag = response.header('etag');
      etag = tag?.startsWith('W/') ? undefined : tag;
      await readInto(response, request, file, total);
    },
    { ...limits, retries: PAYLOAD_RETRIES, isProgress: () => file.size - before >= PROGRESS_SIZE },
  );
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
  const length = Number(response.header('content-length') ?? Number.NaN);
  if (response.status === 206) {
    const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(response.header('content-range') ?? '');
    if (!range || Number(range[1]) !== file.size) {
      response.body.destroy();
      await file.restart();
      throw new RequestError(`${url}: the server sent another range than was asked for`, { retryable: true });
    }
  } else {
    await file.restart();
  }
  const total = Number.isSafeInteger(length) && length >= 0 ? file.size + length : undefined;
  if (total !== undefined) {
    if (total > request.maxBytes) {
      response.body.destroy();
      throw overCap(request);
    }
    await ensureSpace(dirname(request.path), length, request.makeRoom).catch((error: unknown) => {
      response.body.destroy();
      throw error;
    });
  }
  return total;
}

async function readInto(
  response: HttpResponse,
  request: DownloadRequest,
  file: PartialFile,
  total: number | undefined,
): Promise<void> {
  const report = () =>
    request.onProgress?.({ receivedBytes: file.size, ...(total === undefined ? {} : { totalBytes: total }) });
  const watch = watchSpace(dirname(request.path), request.makeRoom);
  let window = { since: performance.now(), size: file.size };
  try {
    for await (const chunk of chunksOf(response)) {
      if (file.size + chunk.length > request.maxBytes) throw overCap(request);
      await watch(chunk.length);
      await file.append(chunk);
      await request.rateLimiter?.take(chunk.length, request.signal);
      report();
      const elapsed = performance.now() - window.since;
      if (elapsed < RATE_WINDOW) continue;
      if (file.size - window.size < (LEAST_RATE * elapsed) / 1000) {
        throw new RequestError(`${displayUrl(response.url)}: slower than 1 KiB/s`, { retryable: false });
      }
      window = { since: performance.now(), size: file.size };
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

/** A file that grows at its end, with the hash of all that is in it. */
class PartialFile {
  readonly handle: FileHandle;
  /** Bytes received, written or about to be. */
  size = 0;
  #hash: Hash = createHash('sha256');
  #pending: Buffer[] = [];
  #pendingSize = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Opens or makes the file and hashes what it holds already. */
  static async open(path: string): Promise<PartialFile> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
    const file = new PartialFile(await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
    const buffer = Buffer.allocUnsafe(WRITE_SIZE);
    for (;;) {
      const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, file.size);
      if (bytesRead === 0) return file;
      file.#hash.update(buffer.subarray(0, bytesRead));
      file.size += bytesRead;
    }
  }

  /** Adds bytes; they are written together with others, while more arrive. */
  async append(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk);
    this.#pending.push(chunk);
    this.#pendingSize += chunk.length;
    this.size += chunk.length;
    if (this.#pendingSize >= WRITE_SIZE) await this.#write();
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    await this.#write();
    await this.#writing;
  }

  /** Empties the file. */
  async restart(): Promise<void> {
    await this.flush();
    await this.handle.truncate(0);
    this.size = 0;
    this.#hash = createHash('sha256');
  }

  /** The hash so far, lower-case hex. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async #write(): Promise<void> {
    await this.#writing;
    if (this.#pendingSize === 0) return;
    const position = this.size - this.#pendingSize;
    this.#writing = writeAll(this.handle, this.#pending, position);
    // Whoever waits for it next gets the failure; until then it must not count as unhandled.
    this.#writing.catch(() => {});
    this.#pending = [];
    this.#pendingSize = 0;
  }
}
