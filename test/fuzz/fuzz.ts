/**
 * The long round: `npm run fuzz -- --time=10m [--only=manifest,tar] [--seed=N] [--jobs=N]`. Each target has a process
 * of its own and an equal part of the time; a case that hangs, or memory that grows, is a failure like any other.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseTimeSpan } from '../../src/syntax.ts';
import { fuzzTarget, type Progress } from './fuzz-target.ts';
import { targets } from './targets.ts';

/** Milliseconds without a finished round after which a case hangs; a round takes a second or so. */
const HANG_MS = 60_000;
/** MiB: for the heap, and altogether. An image reader keeps 16 MiB of blocks, what it decodes is smaller. */
const HEAP_MAX = 256;
const MEMORY_MAX = 640;

interface Outcome extends Progress {
  readonly target: string;
  readonly seconds: number;
  readonly failure?: string;
}

const { values } = parseArgs({
  options: {
    time: { type: 'string', default: '1min' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    jobs: { type: 'string', default: String(availableParallelism()) },
    target: { type: 'string' },
  },
});
const seconds = parseTimeSpan(values.time);
const only = values.only?.split(',');
const chosen = targets.filter(({ name }) => only?.includes(name) ?? true);

async function main(): Promise<number> {
  if (seconds === undefined || chosen.length === 0) {
    console.error(
      `usage: --time=10m [--only=NAME,...] [--seed=N] [--jobs=N]; names: ${targets.map(({ name }) => name).join(' ')}`,
    );
    return 2;
  }
  const started = performance.now();
  const waiting = [...chosen];
  const jobs = Math.min(Number(values.jobs), chosen.length);
  const share = (seconds * jobs) / chosen.length;
  console.log(`seed ${values.seed}, ${share.toFixed(0)} s for each of ${chosen.length} targets, ${jobs} at a time`);
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      const outcome = await runApart(target.name, share);
      outcomes.push(outcome);
      console.log(lineOf(outcome));
      if (outcome.failure !== undefined) console.log(`\n${outcome.failure}\n`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const total = outcomes.reduce((sum, { cases }) => sum + cases, 0);
  const failed = outcomes.filter(({ failure }) => failure !== undefined).map(({ target }) => target);
  const took = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${total} cases in ${took} s; ${failed.length === 0 ? 'no failure' : `failed: ${failed.join(', ')}`}`);
  return failed.length === 0 ? 0 : 1;
}

/** One target in a process that can be killed. */
async function runApart(target: string, share: number): Promise<Outcome> {
  const started = performance.now();
  const program = fileURLToPath(import.meta.url);
  const words = [`--target=${target}`, `--time=${share}`, `--seed=${values.seed}`];
  const child = spawn(process.execPath, [`--max-old-space-size=${HEAP_MAX}`, program, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let progress: Progress = { cases: 0, slowest: 0, memory: 0, at: '' };
  let failure: string | undefined;
  const watch = () => {
    failure = `${target}: hangs: no end after ${HANG_MS / 1000} s in the round after ${progress.at}, seed ${values.seed}`;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(watch, HANG_MS);
  createInterface({ input: child.stdout }).on('line', (line) => {
    clearTimeout(timer);
    timer = setTimeout(watch, HANG_MS);
    const { failure: told, ...rest } = JSON.parse(line) as Progress & { failure?: string };
    progress = rest;
    failure ??= told;
  });
  const status = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
  clearTimeout(timer);
  if (status !== 0) failure ??= `${target}: ended with ${status} after ${progress.at}, seed ${values.seed}`;
  if (progress.memory > MEMORY_MAX) failure ??= `${target}: took ${progress.memory} MiB, more than ${MEMORY_MAX}`;
  return {
    target,
    ...progress,
    seconds: (performance.now() - started) / 1000,
    ...(failure === undefined ? {} : { failure }),
  };
}

function lineOf({ target, cases, seconds: took, slowest, memory, failure }: Outcome): string {
  const rate = `${Math.round(cases / took)} cases/s`;
  const cost = `slowest ${slowest.toFixed(0)} ms, at most ${memory} MiB`;
  return `${target.padEnd(14)} ${String(cases).padStart(10)} cases, ${rate.padStart(14)}, ${cost}: ${failure === undefined ? 'good' : 'FAILED'}`;
}

const own = targets.find(({ name }) => name === values.target);
process.exitCode =
  own === undefined
    ? await main()
    : await fuzzTarget(own, Number(values.seed), (seconds ?? 0) * 1000, (report) =>
        process.stdout.write(`${JSON.stringify(report)}\n`),
      );
