/** The file in which a download grows. */
import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { createExclusive, writeAll } from '../os/atomic-file.ts';
import { openRegular } from '../os/regular-file.ts';
import { removeTree } from '../os/remove-tree.ts';

/** Bytes that are gathered before they are written. */
const WRITE_SIZE = 1024 * 1024;

/** A file that grows at its end, with the hash of all that is in it. */
export class PartialFile {
  readonly handle: FileHandle;
  /** Bytes received, written or about to be. */
  size = 0;
  #hash: Hash = createHash('sha256');
  #pending: Buffer[] = [];
  #pendingSize = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle) {
    this.handle = handle;
  }

  /** Opens the file and hashes what it holds already, or makes it, in place of whatever is no file of its own. */
  static async open(path: string, maxBytes: number): Promise<PartialFile> {
    const there = await openRegular(path, 'write');
    if (there === undefined) {
      await removeTree(path);
      return new PartialFile(await createExclusive(path, 0o600));
    }
    const file = new PartialFile(there);
    if ((await there.stat()).size > maxBytes) await there.truncate();
    const buffer = Buffer.allocUnsafe(WRITE_SIZE);
    for (;;) {
      const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, file.size);
      if (bytesRead === 0) return file;
      file.#hash.update(buffer.subarray(0, bytesRead));
      file.size += bytesRead;
    }
  }

  /** Adds bytes; they are written together with others, while more arrive. */
  async append(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk);
    this.#pending.push(chunk);
    this.#pendingSize += chunk.length;
    this.size += chunk.length;
    if (this.#pendingSize >= WRITE_SIZE) await this.#write();
  }

  /** Waits until everything is written. */
  async flush(): Promise<void> {
    await this.#write();
    await this.#writing;
  }

  /** Empties the file. */
  async restart(): Promise<void> {
    await this.flush();
    await this.handle.truncate(0);
    this.size = 0;
    this.#hash = createHash('sha256');
  }

  /** The hash so far, lower-case hex. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async #write(): Promise<void> {
    await this.#writing;
    if (this.#pendingSize === 0) return;
    const position = this.size - this.#pendingSize;
    this.#writing = writeAll(this.handle, this.#pending, position);
    // Whoever waits for it next gets the failure; until then it must not count as unhandled.
    this.#writing.catch(() => {});
    this.#pending = [];
    this.#pendingSize = 0;
  }
}
