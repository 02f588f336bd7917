/**
 * The program, many times in one process: reads requests from standard input, one JSON document a line, and answers each
 * with status and output on file descriptor 3. What a start of its own would cost is spared; a sample of the faults is
 * tried on real starts.
 */
import { mkdirSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { runCli } from '../../src/cli/cli.ts';
import { reportOf } from '../../src/errors.ts';

export interface RunRequest {
  readonly args: readonly string[];
  /** Orders for faultrun; undefined when it is not there. */
  readonly orders?: string | undefined;
}

export interface RunAnswer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ANSWERS = 3;

/** As `main.ts` does it. */
async function run(args: readonly string[]): Promise<RunAnswer> {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    process[stream].write = ((text: string | Uint8Array) => {
      output[stream] += String(text);
      return true;
    }) as typeof process.stdout.write;
  }
  let status: number;
  try {
    status = await runCli(args, { signal: new AbortController().signal, endsByItself: () => {} });
  } catch (error) {
    const report = reportOf(error);
    output.stderr += `extupdate: ${report.message}\n`;
    status = report.exit;
  }
  return { status, ...output };
}

function order(orders: string | undefined): void {
  // faultrun takes the call for itself.
  if (orders !== undefined) mkdirSync(`/.faultrun/${orders}`);
}

async function main(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { args, orders } = JSON.parse(line) as RunRequest;
    order(orders);
    const answer = await run(args);
    order(orders && 'below=/nonexistent');
    writeSync(ANSWERS, `${JSON.stringify(answer)}\n`);
  }
}

// Unhandled, as in a process of its own, but told to whoever waits.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    writeSync(ANSWERS, `${JSON.stringify({ status: 1, stdout: '', stderr: `${event}: ${(error as Error).stack}` })}\n`);
    process.exit(1);
  });
}

void main();
