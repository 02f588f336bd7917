/** Other programs: started without a shell, with a time limit, their output taken whole. */
import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit status; -1 when it was ended by a signal or could not be started. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The program is not on this machine. */
  readonly missing: boolean;
}

/** Bytes of output that are kept of each stream. */
const OUTPUT_MAX = 1024 * 1024;
const TIMEOUT_DEFAULT = 120_000;

/** Runs a program and waits for its end. Never throws for what the program does. */
export async function runCommand(
  argv: readonly [string, ...string[]],
  options: { readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const [program, ...args] = argv;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      if (output[stream].length < OUTPUT_MAX) output[stream] += text;
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? TIMEOUT_DEFAULT);
  try {
    return await new Promise((resolve) => {
      child.on('error', (error: NodeJS.ErrnoException) => {
        resolve({ status: -1, stdout: '', stderr: error.message, missing: error.code === 'ENOENT' });
      });
      child.on('close', (status) => resolve({ status: status ?? -1, ...output, missing: false }));
    });
  } finally {
    clearTimeout(timer);
  }
}

/** The last line that a program printed to standard error, for messages. */
export function lastLine(result: CommandResult): string {
  const lines = `${result.stdout}\n${result.stderr}`.trim().split('\n');
  return lines.at(-1)?.trim() || `status ${result.status}`;
}
