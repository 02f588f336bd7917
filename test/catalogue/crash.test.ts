/**
 * The fault catalogue, K: crash points (reliability.md section 2). A sample of what `npm run test:crash` does at every
 * point; the invariants are judged by test/crash/judge.ts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  afterKill,
  afterLoss,
  baseOf,
  goOnFrom,
  type Outcome,
  type Stage,
  setStage,
  suffer,
  sufferOnce,
} from '../crash/campaign.ts';
import { copyTree } from '../crash/copy-tree.ts';
import { judgeTree } from '../crash/judge.ts';
import { errorsAt } from '../crash/plan.ts';
import { powerUnavailable } from '../crash/power.ts';
import { situationsIn } from '../crash/situations.ts';
import {
  buildTools,
  type Injection,
  type Point,
  Runner,
  runProgramWith,
  type Tools,
  traceUnavailable,
} from '../crash/trace.ts';
import { makeKey, type TestKey } from '../support/repository.ts';
import { inShortTime } from '../support/sample.ts';

const unavailable = traceUnavailable();
const withoutPower = unavailable ?? powerUnavailable();
for (const reason of [unavailable, withoutPower]) {
  if (reason !== undefined && process.env.CI) throw new Error(`crash points must be tested in CI: ${reason}`);
}

let directory: string;
let tools: Tools;
let runner: Runner;
let key: TestKey;

beforeAll(async () => {
  if (unavailable !== undefined) return;
  directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'extupdate-crash-'));
  tools = buildTools(directory);
  runner = new Runner(tools);
  key = await makeKey();
});
afterAll(async () => {
  await runner?.stop();
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

const stages = new Map<string, Promise<Stage>>();

/** A situation with its tree and its points. */
function stageOf(name: string): Promise<Stage> {
  const stage = stages.get(name) ?? makeStage(name);
  stages.set(name, stage);
  return stage;
}

function makeStage(name: string): Promise<Stage> {
  const situation = situationsIn(join(directory, 'situations'), key).find((one) => one.name === name);
  if (!situation) throw new Error(`no situation ${name}`);
  const place = join(directory, name.replace('/', '-'));
  mkdirSync(place, { recursive: true });
  return setStage(situation, runner, place, true);
}

/** The first point of each kind: program and system call, and the name of what it changes, where that counts. */
function kindsOf(points: readonly Point[], withNames: boolean): Point[] {
  const kinds = points.map(
    ({ program, call, what }) => `${program} ${call} ${withNames ? what.replace(/.*\//, '') : ''}`,
  );
  return points.filter((_, index) => kinds.indexOf(kinds[index] ?? '') === index);
}

function expectWell(stage: Stage, { injection, point, violations }: Outcome): void {
  const where = `${stage.situation.name}: ${injection.fault} at ${injection.at}: ${point?.call} ${point?.what}`;
  expect(violations, where).toEqual([]);
}

// Each starts hundreds of programs.
describe.skipIf(unavailable !== undefined)('K', { timeout: 240_000 }, () => {
  // Between them: signed lists, archives, links, removing, going back, another OS, taking an extension away.
  const all = ['raw/apply', 'tree/install', 'link/remove', 'search/prune', 'copied/rollback', 'link/select'];
  const sample = inShortTime ? all.slice(0, 3) : all;

  it.each(sample)('K117: killed before each system call that changes something: %s', async (name) => {
    const stage = await stageOf(name);
    expect(stage.points.length).toBeGreaterThan(15);
    for (const point of kindsOf(stage.points, true)) {
      const loss = await afterLoss(stage, point);
      // K121: every prefix of what was done, and in it everything that was not synced is lost.
      if (loss) expectWell(stage, loss);
      expectWell(stage, await afterKill(stage, point));
    }
  });

  it('K117: a process that SIGKILL ends leaves the tree that its next system call would have found', async () => {
    const stage = await stageOf('raw/expose');
    for (const point of stage.points.filter(({ at }) => at % 12 === 0)) {
      const outcome = await sufferOnce(stage, tools, { at: point.at, fault: 'kill' });
      expect(outcome).toMatchObject({ status: 137, point: { call: point.call, what: point.what } });
      expectWell(stage, outcome);
    }
  });

  it.each(inShortTime ? ['raw/apply'] : ['raw/apply', 'tree/apply', 'link/disable'])(
    'K118: an error at each kind of system call: %s',
    async (name) => {
      const stage = await stageOf(name);
      const statuses = new Set<number>();
      for (const point of kindsOf(stage.points, false)) {
        for (const injection of errorsAt(point, 1)) {
          const outcome = await suffer(stage, injection);
          statuses.add(outcome.status);
          expectWell(stage, outcome);
        }
      }
      // What matters fails, and what does not matter does not.
      expect([...statuses].sort()).toEqual([0, 14]);
    },
  );

  it.skipIf(withoutPower !== undefined)('K120: the power is cut', () => {
    const bundle = 'test/crash/crash.bundle.mjs';
    const cwd = fileURLToPath(new URL('../..', import.meta.url));
    execFileSync('node', ['src/release/bundle.mjs', 'test/crash/crash.ts', bundle], { cwd });
    // In a process of its own, which mounts where nobody sees it.
    const args = [bundle, '--cut', '--form=raw,tree', '--operation=install', `--every=${inShortTime ? 12 : 6}`];
    const { status, stdout, stderr } = spawnSync('node', args, { cwd, encoding: 'utf8' });
    expect(stdout + stderr).toMatch(/power cuts +[0-9]{2,}: between two points \d+, flushed \d+, not flushed \d+/);
    expect(status, stdout + stderr).toBe(0);
  });

  it('K123: state files that are torn, at any length, or full of something else', async () => {
    const stage = await stageOf('raw/apply');
    const root = join(stage.place, 'torn');
    const home = 'var/lib/extupdate';
    for (const file of ['state.json', 'os/testos:1.json', 'boots.json', 'history.jsonl', 'staging/facts.json']) {
      const path = join(baseOf(stage), home, file);
      if (!existsSync(path)) continue;
      const { length } = readFileSync(path);
      for (const size of [0, Math.floor(length / 2), length - 2, -1]) {
        copyTree(baseOf(stage), root);
        if (size >= 0) truncateSync(join(root, home, file), size);
        else writeFileSync(join(root, home, file), Buffer.alloc(length, 0xa5));
        expect(judgeTree(stage.situation, root, ['1']).filter((text) => text.startsWith('I1'))).toEqual([]);
        const next = await runner.plain(root, ['apply']);
        expect(next, `${file} of ${size} bytes`).toMatchObject({ status: 0 });
        expect(stage.situation.layout.shown(root)).toBe('2');
        expect(await runner.plain(root, ['apply'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
      }
    }
  });

  it('K124: out of memory', async () => {
    const stage = await stageOf('raw/apply');
    const statuses = new Set<number>();
    for (const mib of [2, 4, 6]) {
      const root = join(stage.place, 'memory');
      copyTree(baseOf(stage), root);
      const { status } = await runProgramWith([`--max-old-space-size=${mib}`], root, ['apply']);
      statuses.add(status);
      expect(await goOnFrom(stage, root), `with ${mib} MiB`).toEqual([]);
    }
    // With the least, it does not come to its end.
    expect([...statuses]).not.toEqual([0]);
  });

  it('K125: stopped for a while, then killed, as a service that exceeds its time', async () => {
    const stage = await stageOf('raw/expose');
    const held: Injection = { at: Math.ceil(stage.points.length / 2), fault: 'stop=50' };
    const outcome = await sufferOnce(stage, tools, held);
    expect(outcome.status).toBe(137);
    expectWell(stage, outcome);
  });
});
