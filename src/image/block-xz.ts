/** One .xz stream, decoded by WebAssembly; by the `xz` program where that decoder lacks a filter. */
import { spawn } from 'node:child_process';

/** Milliseconds; a block is 1 MiB at most, so a program that takes longer hangs. */
const xzProgramTimeout = 10_000;
/** What `xz` may allocate: the dictionary of a squashfs block is at most the block size, 1 MiB. */
const xzProgramMemory = '64MiB';
/** xz-decompress reports xz-embedded's codes in its messages: 4 = dictionary too large, 6 = unknown filter or check. */
const beyondJavaScript = /error code [46]$/;

/**
 * Decodes an .xz stream.
 * @throws Error when it is damaged, longer than `maxOutput` bytes, or uses a filter (BCJ) and there is no `xz` program
 */
export async function decodeXz(input: Uint8Array, maxOutput: number): Promise<Buffer> {
  try {
    return await decodeByLibrary(input, maxOutput);
  } catch (error) {
    if (!(error instanceof Error && beyondJavaScript.test(error.message))) throw error;
    return await decodeByProgram(input, maxOutput);
  }
}

async function decodeByLibrary(input: Uint8Array, maxOutput: number): Promise<Buffer> {
  // Loaded when needed: the WebAssembly module takes 10 ms that most images do not need.
  const library = await import('xz-decompress');
  const { XzReadableStream } = 'default' in library ? (library.default as typeof library) : library;
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(input);
      controller.close();
    },
  });
  const reader = new XzReadableStream(source).getReader();
  const parts: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts, total);
    total += value.length;
    parts.push(value);
    if (total > maxOutput) {
      // Frees the decoder; the library allows one at a time.
      await reader.cancel();
      throw new Error(`longer than ${maxOutput} bytes`);
    }
  }
}

function decodeByProgram(input: Uint8Array, maxOutput: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const args = ['--decompress', '--stdout', '--format=xz', `--memlimit-decompress=${xzProgramMemory}`];
    const child = spawn('xz', args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      timeout: xzProgramTimeout,
      killSignal: 'SIGKILL',
    });
    const parts: Buffer[] = [];
    let total = 0;
    let complaint = '';
    child.on('error', () => reject(new Error('it uses a filter for which the program xz is needed; install xz')));
    // A program that stops reading early reports why on its own.
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (text: Buffer) => {
      complaint = (complaint + text.toString()).slice(0, 200);
    });
    child.stdout.on('data', (part: Buffer) => {
      total += part.length;
      if (total > maxOutput) child.kill('SIGKILL');
      else parts.push(part);
    });
    child.on('close', (code) => {
      if (total > maxOutput) reject(new Error(`longer than ${maxOutput} bytes`));
      else if (code === 0) resolve(Buffer.concat(parts, total));
      else reject(new Error(complaint.trim() || 'xz failed'));
    });
    child.stdin.end(input);
  });
}
