/** A remote file read piece by piece with HTTP range requests. */
import type { RandomAccess } from '../image/random-access.ts';
import { isWebPage, readBody } from './body.ts';
import type { HttpClient } from './http.ts';
import { RequestError, statusError } from './request-error.ts';
import { withRetries } from './retry.ts';
import { displayUrl } from './url.ts';

/** Bytes that the first request brings, so that one answer tells size and kind. */
const FIRST_READ = 16 * 1024;

/** The server has the file and cannot serve a part of it. */
export class RangesUnsupported extends Error {}

/**
 * Opens a remote file.
 * @throws RangesUnsupported when the server ignores ranges; RequestError
 */
export async function openRangeSource(http: HttpClient, url: string, signal?: AbortSignal): Promise<RandomAccess> {
  const name = displayUrl(url);
  let validator: string | undefined;

  const fetchRange = (from: number, to: number) =>
    withRetries(
      http,
      async () => {
        const response = await http.get(url, { headers: { range: `bytes=${from}-${to}` }, signal });
        if (response.status === 200) {
          response.body.destroy();
          throw new RangesUnsupported(`${name}: the server does not serve ranges`);
        }
        if (response.status !== 206) throw statusError(response);
        if (isWebPage(response)) {
          response.body.destroy();
          throw new RequestError(`${name}: the server answered with a web page`, { retryable: false });
        }
        const range = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+)$/.exec(response.header('content-range') ?? '');
        const tag = response.header('etag');
        validator ??= tag;
        if (!range || Number(range[1]) !== from || tag !== validator) {
          response.body.destroy();
          throw new RequestError(`${name}: another range or file than was asked for`, { retryable: false });
        }
        return { size: Number(range[3]), bytes: await readBody(response, to - from + 1) };
      },
      { signal },
    );

  const first = await fetchRange(0, FIRST_READ - 1);
  return {
    name,
    size: first.size,
    async read(offset, length) {
      if (length === 0) return Buffer.alloc(0);
      if (offset + length <= first.bytes.length) return first.bytes.subarray(offset, offset + length);
      const { bytes } = await fetchRange(offset, offset + length - 1);
      if (bytes.length === length) return bytes;
      throw new RequestError(`${name}: ${bytes.length} bytes instead of ${length}`, { retryable: false });
    },
  };
}
