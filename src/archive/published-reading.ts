/**
 * One reading of a payload as it was published: hashed on its way, wholly read whatever its reader leaves, and, when
 * it is read a second time, held against the first reading before anyone gets to see it.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { PolicyError, TrustError } from '../errors.ts';

/** Bytes between two milestones. */
const STEP = 1024 * 1024;

/** What the first reading leaves for a second one: the hash of all bytes, and of those before each milestone. */
export interface Trail {
  readonly sha256: string;
  readonly milestones: readonly Buffer[];
}

/** Bytes that tell a compression. */
export const HEAD = 8;

export interface ReadingOptions {
  /** What messages call the payload. */
  readonly name: string;
  /** Most bytes that are read. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
  /** The trail of a former reading. No byte is handed out before it is known to be the same as then. */
  readonly follow?: Trail | undefined;
}

export class PublishedReading implements AsyncIterable<Uint8Array> {
  /** The first bytes, once they have been read. */
  head: Buffer = Buffer.alloc(0);
  /** Why the bytes could not be read, as opposed to what a reader of them makes of them. */
  failure: { readonly error: unknown } | undefined;

  /** Starts the reading: not before someone reads, or a file that cannot be opened would fail with nobody there. */
  readonly #open: () => AsyncIterable<Uint8Array>;
  #bytes: AsyncIterable<Uint8Array> | undefined;
  #source: AsyncIterator<Uint8Array> | undefined;
  readonly #options: ReadingOptions;
  readonly #hash = createHash('sha256');
  readonly #milestones: Buffer[] = [];
  #size = 0;
  #sinceMilestone = 0;
  /** Hashed, and not compared yet. */
  #held: Uint8Array[] = [];
  #ready: Uint8Array[] = [];
  #sha256: string | undefined;
  #strayed = false;
  /** Readers may ask again before they have been answered; the source may not be asked so. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(open: () => AsyncIterable<Uint8Array>, options: ReadingOptions) {
    this.#open = open;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      // A decoder that has enough is not the end: the hash wants the rest.
      return: async () => ({ done: true, value: undefined }),
    };
  }

  /**
   * Reads what nobody has read, for the hash.
   * @throws TrustError when these are not the bytes of the former reading; what reading throws
   */
  async finish(): Promise<Trail> {
    while (!(await this.#next()).done);
    return { sha256: this.#sha256 ?? '', milestones: this.#milestones };
  }

  /** Closes the source, however far it has been read. */
  close(): void {
    this.#sha256 ??= '';
    // A stream closes at once; any other source that owes a chunk closes when it has it, and nothing waits for that.
    if (this.#bytes instanceof Readable) this.#bytes.destroy();
    this.#source?.return?.()?.then(undefined, () => {});
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const next = this.#turn.then(() => this.#answer());
    this.#turn = next.then(undefined, () => {});
    return next;
  }

  async #answer(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.failure !== undefined) throw this.failure.error;
    try {
      for (;;) {
        const value = this.#ready.shift();
        if (value !== undefined) return { done: false, value };
        if (this.#sha256 !== undefined) return { done: true, value: undefined };
        await this.#readOn();
      }
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }

  async #readOn(): Promise<void> {
    const { signal, follow, name } = this.#options;
    signal?.throwIfAborted();
    this.#bytes ??= this.#open();
    this.#source ??= this.#bytes[Symbol.asyncIterator]();
    const { done, value: chunk } = await unlessAborted(this.#source.next(), signal);
    if (!done) return this.#take(chunk);
    this.#sha256 = this.#hash.digest('hex');
    // Where it strays, all of it is read, to say what it is now; and nothing of it is handed out.
    if (follow !== undefined && (this.#strayed || follow.sha256 !== this.#sha256)) {
      throw new TrustError(`${name}: hash mismatch: expected ${follow.sha256}, got ${this.#sha256}`, {
        next: 'something changes the file while it is read: look at who can write to it',
      });
    }
    this.#release();
  }

  #take(chunk: Uint8Array): void {
    this.#size += chunk.length;
    const { name, maxBytes } = this.#options;
    if (this.#size > maxBytes) throw overCap(name, maxBytes, 'as published');
    if (this.head.length < HEAD) this.head = Buffer.concat([this.head, chunk]).subarray(0, HEAD);
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest.subarray(0, STEP - this.#sinceMilestone);
      rest = rest.subarray(part.length);
      this.#hash.update(part);
      this.#held.push(part);
      this.#sinceMilestone += part.length;
      if (this.#sinceMilestone === STEP) this.#passMilestone();
    }
    if (this.#options.follow === undefined) this.#release();
  }

  #passMilestone(): void {
    const digest = this.#hash.copy().digest();
    const expected = this.#options.follow?.milestones[this.#milestones.length];
    this.#milestones.push(digest);
    this.#sinceMilestone = 0;
    if (this.#options.follow !== undefined && !(expected?.equals(digest) ?? false)) this.#strayed = true;
    this.#release();
  }

  #release(): void {
    if (!this.#strayed) this.#ready.push(...this.#held);
    this.#held = [];
  }
}

export function overCap(name: string, maxBytes: number, when: string): PolicyError {
  return new PolicyError(`${name}: larger than MaxImageSize= (${maxBytes} bytes) ${when}`, {
    next: 'raise MaxImageSize= in extupdate.conf if the image is meant to be that large',
  });
}

/** Waits for a promise no longer than until the signal. @throws the signal's reason */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  // Its rejection after an abort is nobody's.
  promise.catch(() => {});
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
