/** The file in which a download grows. */
import { createHash, type Hash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { writeAll } from '../os/atomic-file.ts';

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

  /** Opens or makes the file and hashes what it holds already. */
  static async open(path: string): Promise<PartialFile> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
    const file = new PartialFile(await open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600));
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
