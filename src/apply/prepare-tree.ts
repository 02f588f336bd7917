/** Makes a directory tree ready: an archive unpacked, or a tree copied, with its mode and time set, and on disk. */
import { chmod, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorOf } from '../archive/tar-messages.ts';
import { unpackTar } from '../archive/unpack-tar.ts';
import { StorageError } from '../errors.ts';
import { renameWithin, temporaryPath } from '../os/atomic-file.ts';
import { removeTree } from '../os/remove-tree.ts';
import { lastLine, runCommand } from '../os/run-command.ts';
import { ensureSpace } from '../os/space.ts';
import { storageError } from '../os/storage-error.ts';
import { isSubvolume, makeTree } from '../os/tree-marks.ts';
import type { InstallRequest, Prepared } from './install.ts';
import { bytesOf } from './payload-bytes.ts';

/** Milliseconds that copying or syncing a tree may take. */
const TREE_TIMEOUT = 3_600_000;

/** @throws TrustError, PolicyError, UnsuitableError, StorageError; see {@link preparePayload} */
export async function prepareTree(request: InstallRequest): Promise<Pick<Prepared, 'temporary' | 'sizeBytes'>> {
  const { ready, subvolume = false } = request;
  const temporary = temporaryPath(request.to);
  try {
    if (ready === undefined || !(await moveTo(temporary, ready, subvolume))) {
      await fill(temporary, request);
    }
    await setAttributes(temporary, request);
    // Node has no syncfs(2), and fsync(2) of every file takes minutes.
    await run(['sync', '--file-system', temporary]);
    return { temporary, sizeBytes: await treeSize(temporary) };
  } catch (error) {
    // What failed first counts.
    await removeTree(temporary).catch(() => {});
    throw error;
  }
}

async function fill(temporary: string, request: InstallRequest): Promise<void> {
  const { payload, ready, subvolume = false, name, maxBytes, makeRoom } = request;
  const make = (path: string) => makeTree(path, subvolume);
  if (ready === undefined && payload.form === 'archive') {
    const open = () => bytesOf(payload);
    await unpackTar({ name, open, sha256: payload.sha256, maxBytes, to: temporary, make, makeRoom });
    return;
  }
  await make(temporary);
  await copyTree(request, ready ?? payload.path, temporary);
}

/** @returns false when it has to be copied: it is on another file system, or a subvolume is wanted */
async function moveTo(temporary: string, ready: string, subvolume: boolean): Promise<boolean> {
  if (subvolume && !(await isSubvolume(ready))) return false;
  return renameWithin(ready, temporary);
}

/** cp(1) keeps owners, links, attributes, ACLs and holes, and shares blocks where the file system can. */
async function copyTree(request: InstallRequest, from: string, to: string): Promise<void> {
  await ensureSpace(dirname(to), await treeSize(from), request.makeRoom);
  await run(['cp', '--archive', '--reflink=auto', '--no-target-directory', '--', from, to]);
}

async function setAttributes(path: string, { mode, mtime }: InstallRequest): Promise<void> {
  if (mode !== undefined) await chmod(path, mode);
  if (mtime !== undefined) await utimes(path, Number(mtime) / 1e6, Number(mtime) / 1e6);
}

/** Bytes that a tree takes on disk. */
async function treeSize(path: string): Promise<number> {
  const { stdout } = await run(['du', '--summarize', '--block-size=1', '--', path]);
  return Number.parseInt(stdout, 10) || (await stat(path)).size;
}

async function run(argv: readonly [string, ...string[]]): Promise<{ readonly stdout: string }> {
  const result = await runCommand(argv, { timeoutMs: TREE_TIMEOUT });
  if (result.status === 0) return result;
  const message = `${argv[0]}: ${lastLine(result)}`;
  const code = systemErrorOf(message);
  if (code !== undefined) throw storageError(argv[0], Object.assign(new Error(message), { code, syscall: argv[0] }));
  throw new StorageError(message, { next: 'run again; the kernel log tells whether memory was short' });
}
