/**
 * Runs inside a container: generates scenarios, plays many of them side by side, and prints one line for each.
 * Arguments: seed of the first scenario and number of scenarios; or a file with one scenario.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { startServer } from '../../support/server.ts';
import { captureOutput } from './ask-extupdate.ts';
import { generateScenario } from './generate.ts';
import { Stage } from './play.ts';
import { reportOf } from './report.ts';
import type { Scenario } from './scenario.ts';

/** More than there are processors: systemd-sysupdate mostly waits for the programs that it starts. */
const STAGES = 12;

const DIRECTORY = '/srv/stages';

const [from = '', count = '1'] = process.argv.slice(2);

async function main(): Promise<void> {
  captureOutput();
  mkdirSync(DIRECTORY, { recursive: true });
  const server = await startServer(DIRECTORY);
  const scenarios = scenariosOf();
  const playAll = async (_: unknown, number: number): Promise<void> => {
    const stage = new Stage(
      `${DIRECTORY}/${number}`,
      `${server.url}/${number}`,
      (version) => `/run/trees/${version}/usr`,
    );
    for (let scenario = scenarios.shift(); scenario; scenario = scenarios.shift()) {
      const played = await stage.play(scenario);
      process.stdout.write(`${JSON.stringify(reportOf(scenario, played))}\n`);
    }
    stage.close();
  };
  await Promise.all(Array.from({ length: Math.min(STAGES, scenarios.length) }, playAll));
  await server.close();
}

function scenariosOf(): Scenario[] {
  if (!/^[0-9]+$/.test(from)) return [JSON.parse(readFileSync(from, 'utf8')) as Scenario];
  return Array.from({ length: Number(count) }, (_, index) => generateScenario(Number(from) + index));
}

await main();
