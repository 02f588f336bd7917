/**
 * Brings a staged payload to its final name in the target directory: unpacked, with the hash of the published bytes
 * checked once more, its mode and time set, on disk before it is renamed.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PolicyError, TrustError, UnsuitableError } from '../errors.ts';
import { type Compression, detectCompression } from '../image/compression.ts';
import { createExclusive, syncDirectory, temporaryPath, writeAll } from '../os/atomic-file.ts';
import { hashFile } from '../os/hash-file.ts';
import { ensureSpace, type MakeRoom } from '../os/space.ts';
import { errorCode, storageError } from '../os/storage-error.ts';
import { decodersFor } from './decompress.ts';

/** sysupdate.d(5): the mode of new files where neither `Mode=` nor `@m` tells one. */
const MODE_DEFAULT = 0o644;

export interface InstallRequest {
  /** The staged payload. */
  readonly from: string;
  /** SHA-256 of the published bytes, lower-case hex. */
  readonly sha256: string;
  /** Final path outside the root. */
  readonly to: string;
  /** What messages call the payload: its published name. */
  readonly name: string;
  readonly mode?: number | undefined;
  /** Modification time in microseconds since 1970. */
  readonly mtime?: bigint | undefined;
  /** Most bytes that the unpacked file may have. */
  readonly maxBytes: number;
  /** A file with the content to install that this very process has just made and hashed: moved in place of copied. */
  readonly ready?: string | undefined;
  /** Called when space is short. */
  readonly makeRoom?: MakeRoom | undefined;
}

/**
 * Installs one payload; afterwards the final name stands for the whole, durable file.
 * @returns the size of the installed file in bytes
 * @throws TrustError when the staged bytes are not the promised ones; PolicyError over the cap; UnsuitableError for
 *   compressed data that is damaged; StorageError
 */
export async function installPayload(request: InstallRequest): Promise<number> {
  try {
    await mkdir(dirname(request.to), { recursive: true, mode: 0o755 });
    const { from, ready, sha256 } = request;
    const moved = ready !== undefined && (await moveInPlace(request, ready));
    // What this process has unpacked already is not unpacked again for another file system.
    if (!moved && ready !== undefined && ready !== from) await copyInPlace(request, { path: ready });
    else if (!moved)
      await copyInPlace(request, { path: from, sha256, compression: detectCompression(await readHead(from)) });
    await syncDirectory(dirname(request.to));
    return (await stat(request.to)).size;
  } catch (error) {
    throw storageError(request.to, error);
  }
}

/** @returns false when the file is on another file system */
async function moveInPlace(request: InstallRequest, ready: string): Promise<boolean> {
  const handle = await open(ready, 'r+');
  try {
    await setAttributes(handle, request);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(ready, request.to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EXDEV') return false;
    throw error;
  }
}

/** What is copied: published bytes with their hash, or bytes that this process has made of them. */
interface CopySource {
  readonly path: string;
  readonly sha256?: string;
  readonly compression?: Compression | undefined;
}

async function copyInPlace(request: InstallRequest, source: CopySource): Promise<void> {
  const { path: from, compression } = source;
  await ensureSpace(dirname(request.to), (await stat(from)).size, request.makeRoom);
  const readers = compression === undefined ? [(path: string) => createReadStream(path)] : decodersFor(compression);
  const temporary = temporaryPath(request.to);
  try {
    await tryInTurn(readers, (read) => copyThrough(request, temporary, read, source));
    await rename(temporary, request.to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
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
  await handle.chmod(request.mode ?? MODE_DEFAULT);
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

async function readHead(path: string): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function timesOf(microseconds: bigint): [number, number] {
  const seconds = Number(microseconds) / 1e6;
  return [seconds, seconds];
}
