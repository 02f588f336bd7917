/** A program between two streams of bytes: its standard input is an iterable, its standard output is another one. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { StorageError } from '../errors.ts';
import { feed } from './feed.ts';
import { lineSplitter } from './lines.ts';

/** Lines of standard error that are kept for messages. */
const COMPLAINTS_MAX = 20;
/** Characters that are kept of such a line. */
const COMPLAINT_LENGTH_MAX = 4096;

export interface FilterOptions {
  /** What messages call the program, where that is not its first word. */
  readonly name?: string;
  readonly cwd?: string;
  /** The whole environment; without it, that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  /** Gets each line of standard error, in place of keeping the first ones for {@link FilterFailure}. */
  readonly onComplaint?: (line: string) => void;
}

/** The program ended with another status than 0, or by a signal. */
export class FilterFailure extends Error {
  /** Exit status; undefined when a signal ended the program. */
  readonly status: number | undefined;
  /** The first lines that it printed to standard error. */
  readonly complaints: readonly string[];

  constructor(program: string, status: number | undefined, complaints: readonly string[]) {
    super(complaints[0] ?? `${program} ended with status ${status ?? 'unknown (killed by a signal)'}`);
    this.status = status;
    this.complaints = complaints;
  }
}

/**
 * Runs a program over the input and yields what it prints. The input is read to its end even where the program stops
 * reading before. Whoever stops iterating, or aborts, gets control back when the program has ended: what it still
 * would have written is not written any more.
 * @returns the lines that it printed to standard error, unless they were taken by `onComplaint`
 * @throws the input's own error; FilterFailure; StorageError when somebody killed the program; the error of spawn(2), with code ENOENT for a missing program; the
 *   signal's reason
 */
export async function* throughProgram(
  argv: readonly [string, ...string[]],
  input: AsyncIterable<Uint8Array>,
  options: FilterOptions = {},
): AsyncGenerator<Buffer, readonly string[]> {
  const { cwd, env, signal } = options;
  signal?.throwIfAborted();
  const child = spawn(argv[0], argv.slice(1), {
    stdio: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  await once(child, 'spawn');
  const ended = endOf(child);
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill);
  const complaints = listen(child, options.onComplaint);
  const feeding = feed(input, child.stdin);
  let inputFailure: { readonly error: unknown } | undefined;
  feeding.done.catch((error: unknown) => {
    inputFailure = { error };
    // It must not take what came so far for the whole.
    kill();
  });
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const { status, killedBy } = await ended;
    signal?.throwIfAborted();
    if (inputFailure !== undefined) throw inputFailure.error;
    if (killedBy !== undefined) throw killed(options.name ?? argv[0], killedBy);
    if (status !== 0) throw new FilterFailure(argv[0], status, complaints);
    await feeding.done;
    return complaints;
  } finally {
    signal?.removeEventListener('abort', kill);
    feeding.cancel();
    kill();
    for (const stream of child.stdio) stream?.destroy();
    await ended;
  }
}

/** Signals by which a program ends for what it was given; all others come from elsewhere. */
const CRASHES: readonly string[] = ['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGSYS', 'SIGTRAP', 'SIGXFSZ'];

interface End {
  readonly status: number | undefined;
  /** A signal that says nothing of what the program was given. */
  readonly killedBy: string | undefined;
}

/** How the program has ended, when its last words have been read. */
function endOf(child: ChildProcessWithoutNullStreams): Promise<End> {
  child.on('error', () => {});
  return new Promise((resolve) => {
    child.once('close', (status, signal) => {
      const killedBy = signal === null || CRASHES.includes(signal) ? undefined : signal;
      resolve({ status: status ?? undefined, killedBy });
    });
  });
}

/** The content may be as good as it can be. */
function killed(program: string, signal: string): StorageError {
  return new StorageError(`${program} was killed (${signal})`, {
    next: 'run again; the kernel log tells whether memory was short',
  });
}

function listen(child: ChildProcessWithoutNullStreams, onComplaint?: (line: string) => void): readonly string[] {
  const kept: string[] = [];
  const keep = (line: string) => {
    if (kept.length < COMPLAINTS_MAX && line.trim() !== '') kept.push(line.trim());
  };
  const split = lineSplitter(COMPLAINT_LENGTH_MAX);
  const hear = (piece: string) => split(piece).forEach(onComplaint ?? keep);
  child.stderr
    .setEncoding('latin1')
    .on('data', hear)
    .on('end', () => hear('\n'))
    .on('error', () => {});
  return kept;
}
