/**
 * Brings payloads to their final names. Each is made ready under a temporary name, checked and on disk; only when all of
 * a set are ready do they get the names that mean "complete".
 */
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectories, syncDirectory } from '../os/atomic-file.ts';
import { removeTree } from '../os/remove-tree.ts';
import type { MakeRoom } from '../os/space.ts';
import { isMissing, storageError } from '../os/storage-error.ts';
import { moveEntry, setReadOnly } from '../os/tree-marks.ts';
import type { Payload } from '../source/source.ts';
import { prepareFile } from './prepare-file.ts';
import { prepareTree } from './prepare-tree.ts';

export interface InstallRequest {
  readonly payload: Payload;
  /** Final path outside the root. */
  readonly to: string;
  /** What messages call the payload: its published name. */
  readonly name: string;
  readonly mode?: number | undefined;
  /** Modification time in microseconds since 1970. */
  readonly mtime?: bigint | undefined;
  readonly readOnly?: boolean | undefined;
  /** Whether a tree becomes a btrfs subvolume where the file system has them. */
  readonly subvolume?: boolean | undefined;
  /** Most bytes that it may have when it is unpacked. */
  readonly maxBytes: number;
  /** A file or tree with the content to install that this very process has just made: moved in place of copied. */
  readonly ready?: string | undefined;
  /** Called when space is short. */
  readonly makeRoom?: MakeRoom | undefined;
}

/** A payload that lies ready beside its final name. */
export interface Prepared {
  readonly temporary: string;
  readonly to: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file as it lies; undefined for a tree. */
  readonly contentSha256?: string | undefined;
  /** Whether it is a tree that becomes read-only as a whole. */
  readonly marked: boolean;
}

/**
 * Makes a payload ready.
 * @throws TrustError when its bytes are not the promised ones; PolicyError over the cap; UnsuitableError for damaged
 *   compressed data, and for archives that nobody should unpack; StorageError
 */
export async function preparePayload(request: InstallRequest): Promise<Prepared> {
  const { to, payload, readOnly } = request;
  try {
    await makeDirectories(dirname(to), 0o755);
    const isTree = payload.form !== 'file';
    const made = isTree ? await prepareTree(request) : await prepareFile(request);
    return { ...made, to, marked: isTree && readOnly === true };
  } catch (error) {
    throw storageError(to, error);
  }
}

/** Gives payloads their final names, in the order of the transfers, durably. @throws StorageError */
export async function commit(prepared: readonly Prepared[]): Promise<void> {
  for (const { temporary, to, marked } of prepared) {
    try {
      // Only a file can be renamed over something, and only over a file. What is there is damaged, or it would stay.
      if ((await isDirectory(to)) || (await isDirectory(temporary))) await removeTree(to);
      await moveEntry(temporary, to);
      if (marked) await setReadOnly(to, true);
      await syncDirectory(dirname(to));
    } catch (error) {
      throw storageError(to, error);
    }
  }
}

/** Takes away again what was made ready, after a failure; what cannot be removed now, a later run removes. */
export async function discard(prepared: readonly Prepared[]): Promise<void> {
  for (const { temporary } of prepared) await removeTree(temporary).catch(() => {});
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
