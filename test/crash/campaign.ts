/**
 * One situation, with a fault at each of its points: the tree is copied, the program runs into the fault, the tree is
 * judged, the program runs again without one, and the tree has to become what it would have become without the fault.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { copyTree, removeAll } from './copy-tree.ts';
import { judgeTree, leftoversIn } from './judge.ts';
import { pictureOf } from './picture.ts';
import type { Disk } from './power.ts';
import type { Situation } from './situations.ts';
import { type Injection, type Point, type Runner, runOnce, type Tools, type TracedRun } from './trace.ts';
import { loseUnsynced, unsyncedAfter } from './unsynced.ts';

/** A situation whose tree is made and whose points are known. */
export interface Stage {
  readonly situation: Situation;
  /** Directory with the trees of this situation. */
  readonly place: string;
  readonly points: readonly Point[];
  /** What the tree holds after the run and the next one, when nothing goes wrong. */
  readonly reference: readonly string[];
  /** What came of going on from a tree, by what the tree holds: the program depends on nothing else. */
  readonly recovered: Map<string, readonly string[]>;
  readonly runner: Runner;
}

export interface Outcome {
  readonly injection: Injection;
  /** The point at which it was injected; undefined when the run did not get there. */
  readonly point: Point | undefined;
  readonly status: number;
  /** What is wrong; nothing, if all is well. */
  readonly violations: readonly string[];
}

export const baseOf = ({ place }: Pick<Stage, 'place'>): string => join(place, 'base');
const copiesOf = ({ place }: Pick<Stage, 'place'>): string => join(place, 'copies');
const rootOf = ({ place }: Pick<Stage, 'place'>): string => join(place, 'root');

/**
 * Makes the tree, and runs once without a fault.
 * @param keepCopies whether the trees at all points are kept, for {@link afterKill}
 * @throws Error when that already goes wrong
 */
export async function setStage(
  situation: Situation,
  runner: Runner,
  place: string,
  keepCopies: boolean,
): Promise<Stage> {
  const bare = { situation, place, runner, points: [], reference: [], recovered: new Map() };
  const root = rootOf(bare);
  mkdirSync(copiesOf(bare), { recursive: true });
  await situation.build(baseOf(bare), runner);
  copyTree(baseOf(bare), root);
  const run = await runner.traced(root, situation.run, keepCopies ? { copies: copiesOf(bare) } : {});
  if (run.status !== 0) throw new Error(`${situation.name}: ${run.status}: ${run.stderr}`);
  const wrong = [...judgeTree(situation, root, situation.allowed), ...(await goOn(bare, root))];
  if (wrong.length > 0) throw new Error(`${situation.name} without a fault: ${wrong.join('; ')}`);
  return { ...bare, points: run.points, reference: pictureOf(root, isPassing) };
}

/**
 * Goes on from the tree that the loss of all that was not synced leaves, at a point; to be called before
 * {@link afterKill}.
 * @returns undefined where nothing is lost
 */
export async function afterLoss(stage: Stage, { at }: Point): Promise<Outcome | undefined> {
  const root = rootOf(stage);
  const unsynced = unsyncedAfter(stage.points.filter((point) => point.at < at));
  if (unsynced.size === 0) return undefined;
  copyTree(join(copiesOf(stage), String(at)), root);
  if (loseUnsynced(root, baseOf(stage), unsynced) === 0) return undefined;
  return judge(stage, { at, fault: 'loss' }, { status: 137, stdout: '', stderr: '', points: stage.points }, root);
}

/** Goes on from the tree that SIGKILL before a point leaves: the one that the point found. */
export function afterKill(stage: Stage, { at }: Point): Promise<Outcome> {
  const root = rootOf(stage);
  removeAll(root);
  renameSync(join(copiesOf(stage), String(at)), root);
  return judge(stage, { at, fault: 'kill' }, { status: 137, stdout: '', stderr: '', points: stage.points }, root);
}

/** Injects a fault into a run of its own process. */
export async function sufferOnce(stage: Stage, tools: Tools, injection: Injection): Promise<Outcome> {
  copyTree(baseOf(stage), rootOf(stage));
  const run = await runOnce(tools, rootOf(stage), stage.situation.run, injection);
  return judge(stage, injection, run, rootOf(stage));
}

/** Injects a fault from which the process survives. */
export async function suffer(stage: Stage, injection: Injection): Promise<Outcome> {
  copyTree(baseOf(stage), rootOf(stage));
  const run = await stage.runner.traced(rootOf(stage), stage.situation.run, injection);
  return judge(stage, injection, run, rootOf(stage));
}

/** Cuts the power of a disk, and goes on when it is back. */
export async function sufferCut(stage: Stage, disk: Disk, injection: Injection): Promise<Outcome> {
  disk.put(baseOf(stage));
  const run = await stage.runner.traced(disk.root, stage.situation.run, injection);
  try {
    disk.unmount();
  } catch {
    // A run that failed may have left files open; a process that is gone has not.
    await stage.runner.stop();
    await disk.unmountSoon();
  }
  disk.mount();
  return judge(stage, injection, run, disk.root);
}

/** Judges a tree that something else has left, and goes on from it. @returns what is wrong */
export async function goOnFrom(stage: Stage, root: string): Promise<readonly string[]> {
  const nothing = { status: 137, stdout: '', stderr: '', points: [] };
  return (await judge(stage, { fault: 'kill' }, nothing, root)).violations;
}

/** Judges the tree that a fault has left, and goes on from it. */
export async function judge(stage: Stage, injection: Injection, run: TracedRun, root: string): Promise<Outcome> {
  const point = run.points.find(({ at }) => at === injection.at);
  const violations = [...judgeTree(stage.situation, root, stage.situation.allowed), ...judgeStatus(injection, run)];
  const key = createHash('sha256').update(pictureOf(root, isLock).join('\n')).digest('hex');
  const known = stage.recovered.get(key) ?? (await goOn(stage, root));
  stage.recovered.set(key, known);
  return { injection, point, status: run.status, violations: [...violations, ...known] };
}

/** Statuses that a failure of the disk may have: storage, or one of several that failed. */
const STORAGE_STATUSES = [0, 14, 15];

/** I4: a documented status, one message with a next step, no stack trace. */
function judgeStatus({ fault = '' }: Injection, { status, stderr }: TracedRun): string[] {
  // A process that is gone says nothing; one whose disk is gone is judged by what the disk has.
  if (/^(kill|loss|cut|stop)/.test(fault)) return [];
  if (!STORAGE_STATUSES.includes(status)) return [`I4: status ${status}: ${stderr}`];
  if (status === 0) return [];
  const lines = stderr.split('\n');
  const at = lines.findIndex((line) => line.startsWith('extupdate: '));
  if (at < 0) return [`I4: no message: ${stderr}`];
  if (!/^ {2}\S/.test(lines[at + 1] ?? '')) return [`I4: no next step: ${stderr}`];
  return /^\s+at /m.test(stderr) ? [`I4: a stack trace: ${stderr}`] : [];
}

/** Runs the program again, as a timer would. @returns what is wrong then */
async function goOn(stage: Stage, root: string): Promise<string[]> {
  const { situation, reference } = stage;
  const wrong = await runNext(stage, root);
  wrong.push(...judgeTree(situation, root, situation.final).map((text) => `then ${text}`));
  wrong.push(...leftoversIn(root).map((path) => `I5: ${path} is left over`));
  const picture = pictureOf(root, isPassing);
  if (picture.join('\n') === reference.join('\n')) return wrong;
  // It came to rest elsewhere, for example with another way back; but it has to rest.
  wrong.push(...(await runNext(stage, root)).map((text) => `once more ${text}`));
  const after = pictureOf(root, isPassing);
  const changed = after.filter((line) => !picture.includes(line));
  changed.push(...picture.filter((line) => !after.includes(line)));
  if (changed.length > 0) wrong.push(`I3: the run after it changes: ${changed.join(', ')}`);
  return wrong;
}

async function runNext({ situation, runner }: Stage, root: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const args of situation.next) {
    const { status, stderr } = await runner.plain(root, args);
    if (status !== 0) wrong.push(`I3: then "${args.join(' ')}" ends with ${status}: ${stderr}`);
  }
  return wrong;
}

/** What differs from run to run, and means nothing: who has held the lock, what was done when. */
function isPassing(path: string): boolean {
  return isLock(path) || path === 'var/lib/extupdate/history.jsonl';
}

function isLock(path: string): boolean {
  return path === 'run' || path === 'var/lib/extupdate/staging/.lock';
}
