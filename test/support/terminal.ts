/** The built program on a terminal, for what it asks. */
import { spawn } from 'node:child_process';
import { programPath } from './world.ts';

export interface TerminalResult {
  readonly status: number;
  /** Standard output and standard error, as they stand on the terminal. */
  readonly screen: string;
}

/**
 * Runs the program on a terminal of its own, and types an answer whenever it asks.
 * @param answers what is typed, one after the other, each with its newline
 * @param options `before`: what the shell on the terminal does first; `env`: what is added to the environment
 */
export async function runOnTerminal(
  args: readonly string[],
  answers: readonly string[],
  options: { readonly before?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<TerminalResult> {
  const quoted = [process.execPath, programPath, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const command = options.before === undefined ? quoted : `${options.before}; ${quoted}`;
  const env: NodeJS.ProcessEnv = { ...process.env, TERM: 'dumb', ...options.env };
  delete env.NODE_EXTRA_CA_CERTS;
  // script(1) has the only terminal that needs no library.
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], { env });
  const left = [...answers];
  let screen = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    const asked = [...screen.matchAll(/\[[Yy]\/[Nn]\] /g)].length;
    if (asked <= seen) return;
    seen = asked;
    child.stdin.write(left.shift() ?? '\u0004');
  });
  child.stdin.on('error', () => {});
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? -1));
  });
  return { status, screen: screen.replaceAll('\r', '') };
}
