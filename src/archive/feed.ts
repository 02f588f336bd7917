/** Bytes from an iterable into a stream: with back pressure, and also when the stream wants no more of them. */
import type { Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

export interface Feeding {
  /** Ends when the input has been read to its end; rejects when the input fails. */
  readonly done: Promise<void>;
  /** Writes nothing more, and reads the rest of the input all the same: its other readers (hashes) want all of it. */
  discardRest(): void;
  /** Reads no further. `done` may stay pending while the input owes a chunk. */
  cancel(): void;
}

/** Starts to write an iterable into a stream, and ends the stream. What the stream itself fails with is for its reader. */
export function feed(input: AsyncIterable<Uint8Array>, sink: Writable): Feeding {
  let discarding = false;
  let cancelled = false;
  let wake = () => {};
  const stop = () => {
    discarding = true;
    wake();
  };
  // A program that has read enough closes its input (EPIPE); its exit status says whether that was right.
  sink.on('error', stop).on('close', stop);
  sink.on('drain', () => wake());

  async function run(): Promise<void> {
    for await (const chunk of input) {
      if (cancelled) return;
      if (discarding) {
        // An input that never has to wait leaves no time to others: to hear that the program has ended.
        await turn();
        continue;
      }
      if (sink.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (discarding || !sink.writableNeedDrain) resolve();
      });
      if (cancelled) return;
    }
    if (!discarding) sink.end();
  }

  const done = run();
  done.catch(() => {});
  return {
    done,
    discardRest: stop,
    cancel() {
      cancelled = true;
      stop();
    },
  };
}
