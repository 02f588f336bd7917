/**
 * Speed and memory beside systemd-sysupdate, in one run: the same host, server, definitions and signed lists for both.
 *
 *   npm run bench [-- --json] [--suite=trixie|forky]
 *
 * Fails when a tool does not find, or update to, the right version; a goal that is missed is only printed.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeKey, type TestKey } from '../support/repository.ts';
import { type Bind, bootHost, hostUnavailable, type Suite } from '../support/systemd-host.ts';
import { serveFromMemory, startServerProcess } from './memory-server.ts';
import { type HostReport, judgeGoals, renderGoals, renderReport } from './report.ts';
import { type Jobs, osRelease, publishAll, runJobs } from './scenarios.ts';
import { measureStarts } from './starts.ts';

const VERSIONS: Readonly<Record<Suite, number>> = { trixie: 257, forky: 262 };
const dist = fileURLToPath(new URL('../../dist', import.meta.url));

async function bench(suites: readonly Suite[], json: boolean): Promise<void> {
  const reason = hostUnavailable() ?? (existsSync(dist) ? undefined : `${dist} is missing: npm run build`);
  if (reason !== undefined) throw new Error(`cannot measure: ${reason}`);
  const directory = mkdtempSync(join(tmpdir(), 'extupdate-bench-'));
  try {
    // A build of somebody else in the meantime changes nothing.
    cpSync(dist, join(directory, 'program'), { recursive: true });
    const key = await makeKey();
    const bigSha256 = await publishAll(join(directory, 'published'), key);
    const reports: HostReport[] = [];
    // Most of systemd-sysupdate's time is waiting, extupdate's is computing: a busy machine slows only extupdate.
    const machine = { node: process.version, processors: availableParallelism(), load: load() };
    if (!json) {
      const { node, processors } = machine;
      console.log(`Node ${node}, ${processors} processors, load ${machine.load.toFixed(2)} at the beginning\n`);
    }
    for (const suite of suites) {
      const report = await benchHost(suite, directory, key, bigSha256);
      reports.push(report);
      if (!json) console.log(`${renderReport(report)}load ${report.load.toFixed(2)} at the end\n`);
    }
    const goals = judgeGoals(reports);
    if (json) console.log(JSON.stringify({ machine, reports, goals }, undefined, 1));
    else console.log(renderGoals(goals));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function benchHost(suite: Suite, directory: string, key: TestKey, bigSha256: string): Promise<HostReport> {
  const bind = [{ from: join(directory, 'program'), to: '/srv/extupdate', readOnly: true }];
  const host = await bootHost({ suite, osRelease, bind });
  try {
    const server = await startServerProcess(join(directory, 'published'));
    try {
      const starts = await onFreshHost(suite, bind);
      const jobs = { ...(await runJobs(host, server.url, key, bigSha256)), ...starts };
      return { systemd: VERSIONS[suite], load: load(), jobs };
    } finally {
      await server.close();
    }
  } finally {
    await host.stop();
  }
}

async function onFreshHost(suite: Suite, bind: readonly Bind[]): Promise<Pick<Jobs, 'select' | 'start'>> {
  const host = await bootHost({ suite, osRelease, bind });
  try {
    return await measureStarts(host);
  } finally {
    await host.stop();
  }
}

/** Over the last minute; the bench alone makes about 1. */
function load(): number {
  return loadavg()[0] ?? Number.NaN;
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, suite: { type: 'string' } },
  allowPositionals: true,
});
const [word, served] = positionals;
if (word === 'serve' && served !== undefined) {
  await serveFromMemory(served);
} else {
  const suites = (['trixie', 'forky'] as const).filter((suite) => (values.suite ?? suite) === suite);
  if (suites.length === 0) throw new Error(`--suite=${values.suite}: no such suite; trixie or forky`);
  await bench(suites, values.json);
}
