/**
 * Brings a staged payload to its final name in the target directory: unpacked, with the hash of the published bytes
 * checked once more, its mode and time set, on disk before it is renamed.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readPayload, readPlainPayload } from '../archive/payload.ts';
import { createExclusive, syncDirectory, temporaryPath, writeAll } from '../os/atomic-file.ts';
import { ensureSpace, type MakeRoom } from '../os/space.ts';
import { errorCode, storageError } from '../os/storage-error.ts';

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
    const { from, ready } = request;
    const moved = ready !== undefined && (await moveInPlace(request, ready));
    // What this process has unpacked already is not unpacked again for another file system.
    const unpacked = ready !== undefined && ready !== from;
    if (!moved) await copyInPlace(request, unpacked ? ready : from, !unpacked);
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

/** @param published false for a file that this process has unpacked: it is what it is */
async function copyInPlace(request: InstallRequest, from: string, published: boolean): Promise<void> {
  await ensureSpace(dirname(request.to), (await stat(from)).size, request.makeRoom);
  const { name, maxBytes, sha256 } = request;
  const temporary = temporaryPath(request.to);
  const write = (bytes: AsyncIterable<Uint8Array>) => writeTemporary(request, temporary, bytes);
  const open = () => createReadStream(from);
  try {
    if (published) await readPayload({ name, maxBytes, sha256, open }, write);
    else await readPlainPayload({ name, maxBytes, open }, write);
    await rename(temporary, request.to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeTemporary(
  request: InstallRequest,
  temporary: string,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  await rm(temporary, { force: true });
  const handle = await createExclusive(temporary, 0o600);
  try {
    let size = 0;
    for await (const chunk of bytes) {
      await writeAll(handle, [Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)], size);
      size += chunk.length;
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

function timesOf(microseconds: bigint): [number, number] {
  const seconds = Number(microseconds) / 1e6;
  return [seconds, seconds];
}
