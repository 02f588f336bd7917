/**
 * Makes a file ready: unpacked, with the hash of the published bytes checked once more, its mode and time set, and on
 * disk.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PolicyError, TrustError, UnsuitableError } from '../errors.ts';
import type { Compression } from '../image/compression.ts';
import { compressionOf } from '../image/file-compression.ts';
import { createExclusive, temporaryPath, writeAll } from '../os/atomic-file.ts';
import { hashFile } from '../os/hash-file.ts';
import { ensureSpace } from '../os/space.ts';
import { errorCode } from '../os/storage-error.ts';
import { decodersFor } from './decompress.ts';
import type { InstallRequest, Prepared } from './install.ts';

/** sysupdate.d(5): the mode of new files where neither `Mode=` nor `@m` nor the source tells one. */
const MODE_DEFAULT = 0o644;

/** @throws TrustError, PolicyError, UnsuitableError; see {@link preparePayload} */
export async function prepareFile(request: InstallRequest): Promise<Pick<Prepared, 'temporary' | 'sizeBytes'>> {
  const { payload, ready } = request;
  const temporary = temporaryPath(request.to);
  try {
    const moved = ready !== undefined && (await moveTo(temporary, request, ready));
    // What this process has unpacked already is not unpacked again for another file system.
    if (!moved && ready !== undefined && ready !== payload.path) await copyTo(temporary, request, { path: ready });
    else if (!moved) {
      const { path, sha256 } = payload;
      await copyTo(temporary, request, { path, sha256, compression: await compressionOf(path) });
    }
    return { temporary, sizeBytes: (await stat(temporary)).size };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** @returns false when the file is on another file system */
async function moveTo(temporary: string, request: InstallRequest, ready: string): Promise<boolean> {
  const handle = await open(ready, 'r+');
  try {
    await setAttributes(handle, request);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(ready, temporary);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EXDEV') return false;
    throw error;
  }
}

/** What is copied: published bytes with their hash, or bytes that this process has made of them. */
interface CopySource {
  readonly path: string;
  readonly sha256?: string | undefined;
  readonly compression?: Compression | undefined;
}

async function copyTo(temporary: string, request: InstallRequest, source: CopySource): Promise<void> {
  const { path: from, compression } = source;
  await ensureSpace(dirname(temporary), (await stat(from)).size, request.makeRoom);
  const readers = compression === undefined ? [(path: string) => createReadStream(path)] : decodersFor(compression);
  await tryInTurn(readers, (read) => copyThrough(request, temporary, read, source));
}

/** Unpacks into the temporary file. Of a compressed payload the published bytes are hashed in a pass of their own. */
async function copyThrough(
  request: InstallRequest,
  temporary: string,
  read: (path: string) => AsyncIterable<Uint8Array>,
  { path: from, sha256, compression }: CopySource,
): Promise<void> {
  await rm(temporary, { force: true });
  const handle = await createExclusive(temporary, 0o600);
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of read(from)) {
      if (compression === undefined) hash.update(chunk);
      if (size + chunk.length > request.maxBytes) {
        throw new PolicyError(`${request.name}: larger than MaxImageSize= (${request.maxBytes} bytes) when unpacked`, {
          next: 'raise MaxImageSize= in extupdate.conf if the image is meant to be that large',
        });
      }
      await writeAll(handle, [Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)], size);
      size += chunk.length;
    }
    const found = compression === undefined ? hash.digest('hex') : await hashFile(from);
    if (sha256 !== undefined && found !== sha256) {
      throw new TrustError(`${request.name}: hash mismatch: expected ${sha256}, got ${found}`);
    }
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

/** Tries readers until one understands the data; what the last one says counts. */
async function tryInTurn<T>(readers: readonly T[], operation: (reader: T) => Promise<void>): Promise<void> {
  for (const [index, reader] of readers.entries()) {
    try {
      return await operation(reader);
    } catch (error) {
      const ours =
        error instanceof PolicyError ||
        error instanceof TrustError ||
        (error as { syscall?: string }).syscall === 'write';
      if (ours || errorCode(error) === 'ENOSPC') throw error;
      if (index === readers.length - 1) {
        if (error instanceof UnsuitableError) throw error;
        throw new UnsuitableError(`the compressed payload is damaged: ${(error as Error).message}`, { cause: error });
      }
    }
  }
}

function timesOf(microseconds: bigint): [number, number] {
  const seconds = Number(microseconds) / 1e6;
  return [seconds, seconds];
}
