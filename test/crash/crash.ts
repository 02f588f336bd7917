/**
 * Kills, errors and power cuts at every point at which the program changes something on disk.
 *
 *   npm run test:crash [-- --form=NAME,...] [--operation=NAME,...] [--kill] [--error] [--cut] [--every=N] [--errnos=N] [--jobs=N]
 *
 * Without --kill, --error or --cut, all three. Fails on any violation of the invariants.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeKey } from '../support/repository.ts';
import { afterKill, afterLoss, type Stage, setStage, suffer, sufferCut, sufferOnce } from './campaign.ts';
import { removeAll } from './copy-tree.ts';
import { countOutcome, countPoints, type Figures, noFigures, renderFigures } from './figures.ts';
import { cutsOf, errorsAt } from './plan.ts';
import { Disk, powerUnavailable } from './power.ts';
import { type Situation, situationsIn } from './situations.ts';
import { buildTools, Runner, type Tools, traceUnavailable } from './trace.ts';

/** One in so many kills is tried on a process of its own, too. */
const REAL_KILLS_EVERY = 10;

interface Choice {
  readonly kill: boolean;
  readonly error: boolean;
  readonly cut: boolean;
  /** Only every n-th point. */
  readonly every: number;
  /** How many different errors a point gets. */
  readonly errnos: number;
}

interface Workshop {
  readonly directory: string;
  readonly tools: Tools;
  readonly runner: Runner;
  readonly disk: () => Disk;
  readonly choice: Choice;
  readonly figures: Figures;
}

/** Whether a name is in a list with commas; without a list, it is. */
function isAmong(name: string, list: string | undefined): boolean {
  return list === undefined || list.split(',').includes(name);
}

async function play(
  situation: Situation,
  { directory, tools, runner, disk, choice, figures }: Workshop,
): Promise<void> {
  const place = join(directory, situation.name.replace('/', '-'));
  mkdirSync(place, { recursive: true });
  const begin = performance.now();
  const stage = await setStage(situation, runner, place, choice.kill);
  const points = stage.points.filter((_, index) => index % choice.every === 0);
  countPoints(figures, points);
  const before = figures.violations.length;
  if (choice.kill) {
    for (const point of points) {
      const loss = await afterLoss(stage, point);
      if (loss) countOutcome(figures, situation.name, loss, point);
      countOutcome(figures, situation.name, await afterKill(stage, point), point);
    }
    for (const point of points.filter((_, index) => index % REAL_KILLS_EVERY === 0)) {
      const outcome = await sufferOnce(stage, tools, { at: point.at, fault: 'kill' });
      figures.reallyKilled++;
      figures.violations.push(
        ...outcome.violations.map((text) => `${situation.name}: SIGKILL at ${point.at}: ${text}`),
      );
    }
  }
  if (choice.error) {
    for (const point of points) {
      for (const injection of errorsAt(point, choice.errnos)) {
        countOutcome(figures, situation.name, await suffer(stage, injection), point);
      }
    }
  }
  if (choice.cut) await cutAll(stage, points, disk(), figures);
  figures.states += stage.recovered.size;
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  console.log(
    `${situation.name}: ${points.length} points, ${figures.violations.length - before} violations, ${seconds} s`,
  );
  for (const violation of figures.violations.slice(before)) console.log(`  ${violation}`);
  removeAll(place);
}

async function cutAll(stage: Stage, points: Stage['points'], disk: Disk, figures: Figures): Promise<void> {
  const begin = performance.now();
  disk.put(join(stage.place, 'base'));
  await stage.runner.traced(disk.root, stage.situation.run);
  const usec = Math.round((performance.now() - begin) * 1000);
  for (const injection of cutsOf(points, usec)) {
    const planned = points.find(({ at }) => at === injection.at);
    countOutcome(figures, stage.situation.name, await sufferCut(stage, disk, injection), planned);
  }
}

/**
 * Other programs that are started meanwhile, containers above all, would keep what is mounted here, and a file system that
 * is still mounted somewhere is not made anew from its disk: so we mount where nobody sees it.
 */
function inOwnNamespace(): number | undefined {
  if (process.env.EXTUPDATE_CRASH_NAMESPACE !== undefined) return undefined;
  const words = ['--mount', '--propagation=private', process.execPath, ...process.argv.slice(1)];
  const env = { ...process.env, EXTUPDATE_CRASH_NAMESPACE: 'own' };
  return spawnSync('unshare', words, { env, stdio: 'inherit' }).status ?? 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      form: { type: 'string' },
      operation: { type: 'string' },
      kill: { type: 'boolean', default: false },
      error: { type: 'boolean', default: false },
      cut: { type: 'boolean', default: false },
      every: { type: 'string', default: '1' },
      errnos: { type: 'string', default: '2' },
      jobs: { type: 'string', default: '2' },
    },
  });
  const { kill, error, cut, form, operation } = values;
  const all = !kill && !error && !cut;
  const choice = {
    kill: all || kill,
    error: all || error,
    cut: all || cut,
    every: Number(values.every),
    errnos: Number(values.errnos),
  };
  const reason = traceUnavailable() ?? (choice.cut ? powerUnavailable() : undefined);
  if (reason !== undefined) throw new Error(`nothing can be injected: ${reason}`);
  const status = choice.cut ? inOwnNamespace() : undefined;
  if (status !== undefined) return status;
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'extupdate-crash-'));
  const begin = performance.now();
  const figures = noFigures();
  const disks = new Set<Disk>();
  try {
    const tools = buildTools(directory);
    const situations = situationsIn(join(directory, 'situations'), await makeKey()).filter(
      (one) => isAmong(one.layout.name, form) && isAmong(one.operation, operation),
    );
    const worker = async (number: number) => {
      const runner = new Runner(tools);
      let own: Disk | undefined;
      const disk = () => {
        own ??= new Disk(join(directory, `power-${number}`));
        disks.add(own);
        return own;
      };
      const workshop = { directory, tools, runner, disk, choice, figures };
      for (let situation = situations.shift(); situation; situation = situations.shift())
        await play(situation, workshop);
      await runner.stop();
    };
    await Promise.all(Array.from({ length: Number(values.jobs) }, (_, number) => worker(number)));
  } finally {
    for (const disk of disks) await disk.unmountSoon();
    removeAll(directory);
  }
  console.log(`\n${renderFigures(figures, (performance.now() - begin) / 1000)}`);
  return figures.violations.length === 0 ? 0 : 1;
}

process.exitCode = await main();
