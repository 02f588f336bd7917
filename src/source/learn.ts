/** What can be known of an image that is not here: from its sidecar, or by reading a few blocks of it remotely. */
import { createHash } from 'node:crypto';
import { fetchBody } from '../fetch/body.ts';
import { withDeadline } from '../fetch/deadline.ts';
import type { HttpClient } from '../fetch/http.ts';
import { openRangeSource, RangesUnsupported } from '../fetch/range-source.ts';
import { tooLate } from '../fetch/request-error.ts';
import { detectCompression } from '../image/compression.ts';
import { openImage } from '../image/open-image.ts';
import { cached } from '../image/part.ts';
import { readImageFacts } from '../image/read-facts.ts';
import type { ImageFacts, OfferedInstance } from '../types.ts';
import { readSidecar, SIDECAR_SIZE_MAX } from './sidecar.ts';

/** Metadata of an image lies together: a few reads of this size reach all of it. */
const REMOTE_CACHE = { blockSize: 32 * 1024, maxBytes: 4 * 1024 * 1024 };

/**
 * Learns about an image without downloading it.
 * @returns undefined when nothing can be known before it is acquired: compressed, no sidecar, no range requests
 * @throws NetworkError
 */
export async function learnFacts(
  http: HttpClient,
  instance: OfferedInstance,
  signal?: AbortSignal,
): Promise<ImageFacts | undefined> {
  return (await readSidecars(http, instance, signal)) ?? (await readRemote(http, instance, signal));
}

/** Sidecars are listed in the same manifest, so their hash is known: one that does not match tells nothing. */
async function readSidecars(
  http: HttpClient,
  instance: OfferedInstance,
  signal?: AbortSignal,
): Promise<ImageFacts | undefined> {
  for (const sidecar of instance.sidecars) {
    const body = await fetchBody(http, sidecar.url, { maxBytes: SIDECAR_SIZE_MAX, signal });
    if (!body || body === 'unchanged') continue;
    if (createHash('sha256').update(body.bytes).digest('hex') !== sidecar.sha256) continue;
    const facts = readSidecar(body.bytes);
    if (facts) return facts;
  }
  return undefined;
}

async function readRemote(
  http: HttpClient,
  instance: OfferedInstance,
  signal?: AbortSignal,
): Promise<ImageFacts | undefined> {
  const { listTimeoutSec } = http.limits;
  const expired = () => tooLate(instance.location, 'ListTimeoutSec=', listTimeoutSec);
  try {
    return await withDeadline(listTimeoutSec, signal, expired, async (within) => {
      const source = await openRangeSource(http, instance.location, within);
      if (detectCompression(await source.read(0, Math.min(8, source.size)))) return undefined;
      const facts = await readImageFacts(() => openImage(cached(source, REMOTE_CACHE)), 'remote');
      // Perhaps the server is at fault, and not the image: its hash will tell, once it is here.
      return facts.defect === undefined ? facts : undefined;
    });
  } catch (error) {
    if (error instanceof RangesUnsupported) return undefined;
    throw error;
  }
}
