/**
 * Unpacks a tar archive into a directory of its own. GNU tar unpacks it: no library keeps sparse files, owners and
 * extended attributes. Two passes over the published bytes: the first lists the archive and judges every entry, the
 * second unpacks what was judged, and nothing else: bytes that differ from those of the first pass never reach tar.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError, UnsuitableError } from '../errors.ts';
import { removeTree } from '../os/remove-tree.ts';
import { ensureSpace, type MakeRoom } from '../os/space.ts';
import { storageError } from '../os/storage-error.ts';
import { inspectTar } from './inspect-tar.ts';
import { type Payload, readPayload, readPayloadAgain } from './payload.ts';
import { FilterFailure } from './program-filter.ts';
import { systemErrorOf, TarMessages } from './tar-messages.ts';
import { extractTar, requireGnuTar } from './tar-program.ts';

export interface UnpackRequest extends Payload {
  /** The new directory: a temporary name that nothing has yet, in a directory that is there. */
  readonly to: string;
  /** Makes that directory, for its owner only; mkdir(2) unless something else is wanted. */
  readonly make?: ((path: string) => Promise<void>) | undefined;
  /** Called when space is short. */
  readonly makeRoom?: MakeRoom | undefined;
}

export interface UnpackedTar {
  /** SHA-256 of the published bytes. */
  readonly sha256: string;
  /** Entries, with the directories that they imply. */
  readonly entries: number;
  /** Bytes of all files together, holes included. */
  readonly bytes: number;
  /** What could not be kept as it is in the archive (extended attributes), in tar's words; the first few of it. */
  readonly notices: readonly string[];
}

/**
 * Unpacks a tar archive, compressed or not. Afterwards the directory has all of it with modes, times, links, holes and
 * extended attributes, and as root with owners and file capabilities; its own mode is 0755, unless the archive has an
 * entry for its root. It is not on disk yet: whoever gives it a name that counts has to sync it. On any failure there is
 * no such directory.
 * @throws TrustError when the bytes are not the promised ones, or not the same in both passes; PolicyError over a cap;
 *   UnsuitableError for an archive that is damaged or refused (with the entry and the reason), and where GNU tar is
 *   missing; StorageError; the signal's reason
 */
export async function unpackTar(request: UnpackRequest): Promise<UnpackedTar> {
  const { to, signal } = request;
  signal?.throwIfAborted();
  await requireGnuTar();
  try {
    const judged = await readPayload(request, (bytes) => inspectTar(bytes, request));
    const { entries, bytes, unpackedBytes, withXattrs, hasRoot } = judged.result;
    await ensureSpace(dirname(to), Math.min(bytes, unpackedBytes), request.makeRoom);
    await (request.make ?? makePrivate)(to);
    try {
      const messages = await readPayloadAgain(request, judged, (archive) => extract(archive, request));
      refuseLosses(request, messages, withXattrs);
      if (!hasRoot) await chmod(to, 0o755);
      signal?.throwIfAborted();
      return { sha256: judged.trail.sha256, entries, bytes, notices: messages.notices };
    } catch (error) {
      // What failed first counts; what may be left has a temporary name.
      await removeTree(to).catch(() => {});
      throw error;
    }
  } catch (error) {
    throw storageError(to, error);
  }
}

async function makePrivate(path: string): Promise<void> {
  await mkdir(path, 0o700);
  await chmod(path, 0o700);
}

async function extract(archive: AsyncIterable<Uint8Array>, { name, to, signal }: UnpackRequest): Promise<TarMessages> {
  const messages = new TarMessages();
  try {
    await extractTar(archive, to, { signal, onComplaint: (line) => messages.add(line) });
    return messages;
  } catch (error) {
    if (!(error instanceof FilterFailure)) throw error;
    const message = messages.failure ?? error.message;
    const code = systemErrorOf(message);
    if (code === undefined) throw new UnsuitableError(`${name}: tar cannot unpack it: ${message}`, { cause: error });
    throw storageError(message.slice(0, message.lastIndexOf(': ')), Object.assign(error, { code, syscall: 'tar' }));
  }
}

/** tar only warns of what a program cannot do without. */
function refuseLosses({ name }: UnpackRequest, messages: TarMessages, withXattrs: string | undefined): void {
  if (messages.withoutXattrs && withXattrs !== undefined) {
    throw new UnsuitableError(
      `${name}: ${withXattrs} has extended attributes, and the tar of this machine was built without them`,
      { next: 'install a GNU tar with extended attributes and run again' },
    );
  }
  if (messages.lostCapability !== undefined && process.getuid?.() === 0) {
    throw new StorageError(`${name}: file capabilities cannot be kept here: ${messages.lostCapability}`, {
      next: 'use a file system with extended attributes, and a process with CAP_SETFCAP',
    });
  }
}
