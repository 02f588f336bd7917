/**
 * Makes a file ready: unpacked, with the hash of the published bytes checked once more, its mode and time set, and on
 * disk.
 */
import { constants, type FileHandle, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readPayload, readPlainPayload } from '../archive/payload.ts';
import { detectCompression } from '../image/compression.ts';
import { createExclusive, dropFile, renameWithin, temporaryPath, writeStream } from '../os/atomic-file.ts';
import { hashFile } from '../os/hash-file.ts';
import { isOutOfReach } from '../os/regular-file.ts';
import { ensureSpace, watchSpace } from '../os/space.ts';
import type { Payload } from '../source/source.ts';
import type { InstallRequest, Prepared } from './install.ts';
import { bytesOf } from './payload-bytes.ts';

/** sysupdate.d(5): the mode of new files where neither `Mode=` nor `@m` nor the source tells one. */
const MODE_DEFAULT = 0o644;

/** @throws TrustError, PolicyError, UnsuitableError; see {@link preparePayload} */
export async function prepareFile(
  request: InstallRequest,
): Promise<Pick<Prepared, 'temporary' | 'sizeBytes' | 'contentSha256'>> {
  const { payload, ready } = request;
  const temporary = temporaryPath(request.to);
  try {
    const moved = ready !== undefined && (await moveTo(temporary, request, ready));
    // What this process has unpacked already is not unpacked again for another file system.
    const unpacked = ready !== undefined && ready !== payload.path;
    const from = unpacked ? { path: ready, staged: false } : payload;
    const isPublished = moved ? !unpacked : await copyTo(temporary, request, from, !unpacked);
    // Plain content is what was published, and has been hashed on its way.
    const contentSha256 = (isPublished ? payload.sha256 : undefined) ?? (await hashFile(temporary));
    return { temporary, sizeBytes: (await stat(temporary)).size, contentSha256 };
  } catch (error) {
    await dropFile(temporary);
    throw error;
  }
}

/**
 * @returns false when the file is on another file system, or where somebody else may have it open, or may put another one
 *   in its place, between its hash and its new name: then it is copied, and hashed on the way
 */
async function moveTo(temporary: string, request: InstallRequest, ready: string): Promise<boolean> {
  if (!(await isOutOfReach(ready))) return false;
  const handle = await open(ready, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    await setAttributes(handle, request);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return renameWithin(ready, temporary);
}

/**
 * @param published false for a file that this process has unpacked: it is what it is
 * @returns whether it now has the very bytes that were published
 */
async function copyTo(
  temporary: string,
  request: InstallRequest,
  from: Pick<Payload, 'path' | 'staged'>,
  published: boolean,
): Promise<boolean> {
  const { name, maxBytes, payload } = request;
  const { size } = await stat(from.path);
  await ensureSpace(dirname(temporary), Math.min(size, maxBytes), request.makeRoom);
  const write = (bytes: AsyncIterable<Uint8Array>) => writeTemporary(request, temporary, bytes);
  const open = () => bytesOf(from);
  if (published) {
    const { head } = await readPayload({ name, maxBytes, sha256: payload.sha256, open }, write);
    return detectCompression(head) === undefined;
  }
  await readPlainPayload({ name, maxBytes, open }, write);
  return false;
}

async function writeTemporary(
  request: InstallRequest,
  temporary: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  await rm(temporary, { force: true });
  const handle = await createExclusive(temporary, 0o600);
  try {
    await writeStream(handle, bytes, watchSpace(dirname(temporary), request.makeRoom));
    await setAttributes(handle, request);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function setAttributes(handle: FileHandle, request: InstallRequest): Promise<void> {
  const mode = request.mode ?? MODE_DEFAULT;
  await handle.chmod(request.readOnly ? mode & ~0o222 : mode);
  if (request.mtime !== undefined) await handle.utimes(...timesOf(request.mtime));
}

function timesOf(microseconds: bigint): [number, number] {
  const seconds = Number(microseconds) / 1e6;
  return [seconds, seconds];
}
