/** Runs the program under `faultrun`, which counts what it changes on disk and injects one fault. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { programPath } from '../support/world.ts';
import type { RunAnswer, RunRequest } from './runner.ts';

const here = (name: string) => fileURLToPath(new URL(`../../test/crash/${name}`, import.meta.url));

/** A system call that changes something on disk. */
export interface Point {
  /** Counted from 1, over all processes of the run. */
  readonly at: number;
  readonly program: string;
  readonly call: string;
  /** What it changes, with random parts of names taken out. */
  readonly what: string;
  /** The path below the root that it changes, as it was; of a renaming both. */
  readonly paths: readonly string[];
}

/** What to inject, in the words of faultrun.c. */
export interface Injection {
  readonly at?: number;
  readonly fault?: string;
  readonly syncAt?: number;
  readonly cutAfterUsec?: number;
  /** Directory that gets a copy of the tree at every point. */
  readonly copies?: string;
}

export interface TracedRun extends RunAnswer {
  /** What it changed, up to its end. */
  readonly points: readonly Point[];
}

/** Why nothing can be injected on this machine; undefined when it can. */
export function traceUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'registers are known for Linux on x86-64 only';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no C compiler (cc)';
  }
}

/** The tools of a campaign, and the directory that they are in. */
export interface Tools {
  readonly directory: string;
  readonly faultrun: string;
  readonly runner: string;
}

let logs = 0;

/** A log of points, away from the trees: their disk may be gone. */
const newLog = ({ directory }: Tools): string => join(directory, `points.${process.pid}.${++logs}`);

/** Builds faultrun in a directory. @returns its path */
export function buildFaultrun(directory: string): string {
  const path = join(directory, 'faultrun');
  execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', path, here('faultrun.c')], { stdio: 'inherit' });
  return path;
}

/** Builds the tools in a directory. */
export function buildTools(directory: string): Tools {
  const faultrun = buildFaultrun(directory);
  const runner = join(directory, 'runner.mjs');
  const cwd = here('../..');
  if (!existsSync(runner)) execFileSync('node', ['src/release/bundle.mjs', here('runner.ts'), runner], { cwd });
  return { directory, faultrun, runner };
}

/** A process that runs the program again and again. */
export class Runner {
  readonly #tools: Tools;
  readonly #log: string;
  #child: ChildProcess | undefined;
  #lines: AsyncIterator<string> | undefined;
  #pipe: Writable | undefined;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#log = newLog(tools);
  }

  /** Runs it with an injection. */
  async traced(root: string, args: readonly string[], injection: Injection = {}): Promise<TracedRun> {
    const orders = ordersFor(root, this.#log, injection).join(' ');
    const answer = await this.#ask({ args: inRoot(root, args), orders });
    return { ...answer, points: parsePoints(readFileSync(this.#log, 'utf8'), root) };
  }

  /** Runs it as it is. */
  plain(root: string, args: readonly string[]): Promise<RunAnswer> {
    return this.#ask({ args: inRoot(root, args), orders: `below=/nonexistent` });
  }

  /** Ends the process, which closes what it has left open. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async #ask(request: RunRequest): Promise<RunAnswer> {
    if (this.#child === undefined) this.#start();
    this.#pipe?.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines?.next();
    if (!line?.done && line !== undefined) {
      const answer = JSON.parse(line.value) as RunAnswer;
      if (answer.status === 1) await this.stop();
      return answer;
    }
    await this.stop();
    return { status: 137, stdout: '', stderr: 'the process has ended' };
  }

  #start(): void {
    const child = spawn(this.#tools.faultrun, ['below=/nonexistent', '--', process.execPath, this.#tools.runner], {
      env: environment(),
      stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
    });
    this.#child = child;
    this.#pipe = child.stdin as Writable;
    this.#pipe.on('error', () => {});
    this.#lines = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  }
}

/** Runs the built program in a process of its own, with an injection: what is killed is really killed. */
export async function runOnce(
  tools: Tools,
  root: string,
  args: readonly string[],
  injection: Injection = {},
): Promise<TracedRun> {
  const log = newLog(tools);
  const words = [...ordersFor(root, log, injection), '--', process.execPath, programPath, ...inRoot(root, args)];
  const answer = await runProcess(tools.faultrun, words);
  if (answer.status === 99) throw new Error(`faultrun: ${answer.stderr}`);
  const points = parsePoints(readFileSync(log, 'utf8'), root);
  rmSync(log);
  return { ...answer, points };
}

/** Runs the built program in a process of its own, with options for Node. */
export function runProgramWith(
  nodeOptions: readonly string[],
  root: string,
  args: readonly string[],
): Promise<RunAnswer> {
  return runProcess(process.execPath, [...nodeOptions, programPath, ...inRoot(root, args)]);
}

async function runProcess(program: string, words: readonly string[]): Promise<RunAnswer> {
  const child = spawn(program, words, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const status = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? -1));
  });
  return { status, ...output };
}

function inRoot(root: string, [command = '', ...args]: readonly string[]): string[] {
  return [command, `--root=${root}`, ...args];
}

function ordersFor(root: string, log: string, { at, fault, syncAt, cutAfterUsec, copies }: Injection): string[] {
  const orders = { below: root, log, at, do: fault, 'sync-at': syncAt, 'cut-after': cutAfterUsec, copies };
  return Object.entries(orders).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

function environment(): NodeJS.ProcessEnv {
  // With one thread for file system calls, their order is the same each time.
  const env: NodeJS.ProcessEnv = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  delete env.NODE_EXTRA_CA_CERTS;
  return env;
}

/** The points of a log, with paths below a root. */
export function parsePoints(text: string, root: string): Point[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [at = '', program = '', call = '', what = ''] = line.split('\t');
      const below = what.replaceAll(root, '');
      return { at: Number(at), program, call, what: withoutRandom(below), paths: below.split(' -> ') };
    });
}

/** Names without what is different each time. */
export function withoutRandom(text: string): string {
  return text.replace(/\.[0-9a-f]{32}\b/g, '.RANDOM').replace(/ \(deleted\)$/, '');
}
