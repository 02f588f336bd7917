/**
 * `file://` in the place of a web server: a mirror on a disk. sysupdate.d(5) does not tell of it, and systemd-sysupdate
 * takes it for every url source.
 */
import { type BigIntStats, constants, createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { NetworkError } from '../errors.ts';
import { isMissing, storageError } from '../os/storage-error.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { displayUrl } from './url.ts';

export function isFileUrl(url: string): boolean {
  return url.startsWith('file://');
}

/**
 * Answers as a server would: 200 with the whole file, 206 with a range of it, 416 where it has none such, 404 where there
 * is no file.
 * @throws NetworkError for a URL that is no path; StorageError
 */
export async function getFile(url: string, headers: HttpRequest['headers'] = {}): Promise<HttpResponse> {
  const path = pathOf(url);
  try {
    // Opening a FIFO would wait for a writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const info = await handle.stat({ bigint: true });
    if (info.isFile()) return await answerFrom(handle, info, url, headers);
    await handle.close();
  } catch (error) {
    if (!isMissing(error)) throw storageError(path, error);
  }
  return nothing(url, 404, {});
}

async function answerFrom(
  handle: FileHandle,
  info: BigIntStats,
  url: string,
  headers: NonNullable<HttpRequest['headers']>,
): Promise<HttpResponse> {
  const size = Number(info.size);
  const tag = `"${info.ino}-${info.size}-${info.mtimeNs}"`;
  const range = rangeOf(headers, tag, size);
  if (range === undefined) return answer(url, 200, { 'content-length': String(size) }, handle.createReadStream());
  const { start, end } = range;
  if (start > end) {
    await handle.close();
    return nothing(url, 416, { 'content-range': `bytes */${size}` });
  }
  const told = {
    'content-length': String(end - start + 1),
    'content-range': `bytes ${start}-${end}/${size}`,
    // Whoever reads piece by piece learns by it that it is another file now.
    etag: tag,
  };
  return answer(url, 206, told, handle.createReadStream({ start, end }));
}

/**
 * What is asked for, both ends included (RFC 9110, 14.1.2); no more than one range is ever asked for here.
 * @returns undefined for the whole file
 */
function rangeOf(
  headers: NonNullable<HttpRequest['headers']>,
  tag: string,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  const [, from, to] = /^bytes=([0-9]+)-([0-9]*)$/.exec(headers.range ?? '') ?? [];
  // Of an empty file there is no range, and the whole of it tells as much.
  if (from === undefined || size === 0 || (headers['if-range'] ?? tag) !== tag) return undefined;
  return { start: Number(from), end: Math.min(to ? Number(to) : size, size - 1) };
}

/** @throws NetworkError */
function pathOf(url: string): string {
  try {
    const path = fileURLToPath(url);
    if (!path.includes('\0')) return path;
  } catch {
    // It is no path either way.
  }
  throw new NetworkError(`${displayUrl(url)}: not the path of a file`, {
    next: 'look at Path= of the definition: expected file:///DIRECTORY/, with %25 for a "%" in its name',
  });
}

function nothing(url: string, status: number, headers: Readonly<Record<string, string>>): HttpResponse {
  return answer(url, status, headers, createReadStream('/dev/null'));
}

function answer(
  url: string,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: ReturnType<typeof createReadStream>,
): HttpResponse {
  // A body that nobody reads any more may still fail; that is nobody's error.
  body.on('error', () => {});
  return { url, status, header: (name) => headers[name.toLowerCase()], body };
}
