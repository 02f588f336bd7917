/** Many starts of the program at the same moment, beside as many starts of a Node that does nothing. */
import { spawn } from 'node:child_process';
import { imageOf, type Scene } from './scene.ts';
import { serveFile } from './server.ts';
import { type RunResult, runProgram } from './world.ts';

export interface Round {
  readonly results: readonly RunResult[];
  /** Milliseconds that as many `node -e 0` took together, right before. */
  readonly bareMs: number;
  /** Milliseconds that all starts took together, the one that works included. */
  readonly allMs: number;
}

/** Starts `extupdate apply` so many times; the one that gets to work is kept there until all others have ended. */
export async function startTogether(scene: Scene, count: number, version: string): Promise<Round> {
  const { world } = scene;
  await scene.publish({ [version]: imageOf(version) });
  const bareMs = await timeOf(() => Promise.all(Array.from({ length: count }, startBare)));
  let ended = 0;
  let release = () => {};
  const othersEnded = new Promise<void>((resolve) => {
    release = resolve;
  });
  world.server.intercept = (request, response, path) => {
    if (path !== `/app/app_${version}.raw`) return false;
    void othersEnded.then(() => serveFile(world.published, path, request, response));
    return true;
  };
  let results: readonly RunResult[] = [];
  const allMs = await timeOf(async () => {
    results = await Promise.all(
      Array.from({ length: count }, async () => {
        const result = await runProgram(['apply', `--root=${world.root}`]);
        ended += 1;
        if (ended === count - 1) release();
        return result;
      }),
    );
  });
  world.server.intercept = undefined;
  return { results, bareMs, allMs };
}

function startBare(): Promise<void> {
  const child = spawn(process.execPath, ['-e', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve) => {
    child.on('close', () => resolve());
  });
}

async function timeOf(operation: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await operation();
  return performance.now() - start;
}
