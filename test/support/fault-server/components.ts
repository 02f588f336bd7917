/**
 * A host with many components, each from a fault server of its own: version 1 is active, version 2 is on offer, and a
 * switch is in the way. One run of the program meets many faults at once, as it mostly waits.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isTemporaryName } from '../../../src/os/atomic-file.ts';
import { extensionImage } from '../images.ts';
import { publish } from '../repository.ts';
import { definition, makeWorld, type RunResult, type World } from '../world.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { findSwitch } from './switches.ts';
import { authority } from './tls.ts';

/** What a switch is set for. */
export type Aim = 'image' | 'list' | 'signature' | 'everything';

const PATHS: Readonly<Record<Aim, string>> = {
  image: '*.raw',
  list: '*/SHA256SUMS',
  signature: '*/SHA256SUMS.*',
  everything: '*',
};

/** The cap, and what may be written above it, in bytes. */
const CAP = 1024 * 1024;
const OVER_CAP = 64 * 1024;
/** Short, so that a test can see their end. */
const LIMITS = {
  ConnectTimeoutSec: 1,
  StallTimeoutSec: 1,
  DownloadTimeoutSec: 5,
  MinRateIntervalSec: 2,
  RetrySec: 0.02,
  RetryTimeoutSec: 3,
  RetryAfterMaxSec: 1,
} as const;
/** Honest lists have to come in time, also on a machine that is busy; others are to be given up soon. */
const listTimeoutSec = (aim: Aim) => (aim === 'image' ? 15 : 3);

/** The longest that a component may take with these limits, in seconds: the list is asked for twice when it is bad. */
function deadlineSec(aim: Aim): number {
  const list = 2 * (listTimeoutSec(aim) + LIMITS.RetryAfterMaxSec);
  const image = listTimeoutSec(aim) + LIMITS.DownloadTimeoutSec;
  if (aim === 'everything') return list + image;
  return aim === 'image' ? image : list;
}

/** What may end later than its deadline, in seconds. */
const GRACE_SEC = 5;

const HEALTHY = 'healthy';
const padding = Buffer.alloc(20_000);
for (let index = 0; index < padding.length; index++) padding[index] = (index * 2654435761) >>> 11;

function imageOf(name: string, version: string): Buffer {
  const files = { [`usr/share/${name}/version`]: version, [`usr/share/${name}/data`]: padding.toString('latin1') };
  return extensionImage({ name, release: { ID: 'testos', VERSION_ID: '1' }, files });
}

/** What a component was found to be. */
export interface Outcome {
  /** Status and words of its error; undefined when the fault did no harm. */
  readonly error: { readonly exit: number; readonly message: string; readonly next: string | null } | undefined;
  /** Newest version that systemd would see, after the faulty run and after the mended one. */
  readonly active: string;
  readonly afterwards: string;
  /** What is visible and was never published, and what is larger than may be; file names. */
  readonly bad: readonly string[];
  readonly aim: Aim;
  readonly tookSec: number;
  readonly deadlineSec: number;
}

export interface GroupOutcome {
  readonly outcomes: readonly Outcome[];
  readonly run: RunResult;
  readonly mended: RunResult;
  readonly healthy: string;
}

/** Runs the program against all cases at once, mends the servers, and runs it again. */
export async function sufferTogether(aim: Aim, settings: readonly string[]): Promise<GroupOutcome> {
  const world = await makeWorld();
  const servers: FaultServer[] = [];
  try {
    world.write('etc/authority.pem', authority());
    configure(world, { ...LIMITS, ListTimeoutSec: listTimeoutSec(aim) });
    const names = settings.map((_, index) => `c${index}`);
    for (const name of [...names, HEALTHY]) servers.push(await addComponent(world, name));
    for (const [index, setting] of settings.entries()) {
      const { over } = findSwitch(setting.split('=')[0] ?? '');
      if (over === 'https') define(world, names[index] ?? '', servers[index]?.secureUrl ?? '');
      servers[index]?.set(setting, PATHS[aim]);
    }
    // No file may grow over the limit, whatever it is called.
    const wrapper = ['prlimit', `--fsize=${CAP + OVER_CAP}`];
    const run = await world.run(['apply', '--json=short'], { wrapper });
    const document = run.json();
    const seen = names.map((name) => ({ active: activeOf(world, name), bad: badOf(world, name) }));
    for (const server of servers) await server.clear();
    // A good server on a slow machine has the time that it needs.
    configure(world, {});
    const mended = await world.run(['apply', '--json=short']);
    const outcomes = names.map((name, index): Outcome => {
      return {
        ...(seen[index] ?? { active: '', bad: [] }),
        error: document.errors.find(({ component }) => component === name),
        afterwards: activeOf(world, name),
        tookSec: (servers[index]?.faultyMs ?? 0) / 1000,
        aim,
        deadlineSec: deadlineSec(aim),
      };
    });
    return { outcomes, run, mended, healthy: activeOf(world, HEALTHY) };
  } finally {
    for (const server of servers) await server.close();
    await world.close();
  }
}

/** What has to be true of every component, whatever its server did. */
export function expectClean({ error, aim, active, afterwards, bad, tookSec, deadlineSec }: Outcome): void {
  expect([undefined, 10, 11, 12, 13], 'a documented status of the server being at fault').toContain(error?.exit);
  if (error) {
    expect(error.message).not.toMatch(/\n|unexpected/);
    if (aim === 'image') expect(error.message, 'the list came; the image did not').not.toContain('SHA256SUMS');
    expect(error.next ?? '', `a next step for: ${error.message}`).toMatch(/\S/);
  }
  expect(active, 'a version is active').toMatch(error ? /^1$/ : /^[12]$/);
  expect(bad, 'nothing that was not verified, and nothing over the cap').toEqual([]);
  expect(tookSec, 'it ends in time').toBeLessThan(deadlineSec + GRACE_SEC);
  expect(afterwards, 'the next good run converges').toBe('2');
}

function configure(world: World, limits: Readonly<Record<string, number>>): void {
  const lines = Object.entries({ MaxImageSize: CAP, ...limits }).map(([name, value]) => `${name}=${value}\n`);
  world.write('etc/extupdate.conf', `[Extupdate]\nCAFile=/etc/authority.pem\n${lines.join('')}`);
}

const directoryOf = (name: string) => `var/lib/extensions/${name}.raw.v`;

async function addComponent(world: World, name: string): Promise<FaultServer> {
  const published = join(world.published, name);
  const [one, two] = [imageOf(name, '1'), imageOf(name, '2')];
  await publish(join(published, 'files'), { [`${name}_1.raw`]: one, [`${name}_2.raw`]: two }, { key: world.key });
  await publish(join(published, 'old', 'files'), { [`${name}_1.raw`]: one }, { key: world.key });
  world.write(`${directoryOf(name)}/${name}_1.raw`, one);
  const server = await startFaultServer(published, { old: join(published, 'old') });
  define(world, name, server.url);
  return server;
}

function define(world: World, name: string, url: string): void {
  const text = definition({
    Source: { Type: 'url-file', Path: `${url}/files`, MatchPattern: `${name}_@v.raw` },
    Target: { Path: `/${directoryOf(name)}` },
  });
  world.write(`etc/extupdate/transfer.d/${name}.transfer`, text);
}

const visible = (world: World, name: string) =>
  world.names(directoryOf(name)).flatMap((file) => /_(.+)\.raw$/.exec(file)?.[1] ?? []);

function activeOf(world: World, name: string): string {
  return visible(world, name).at(-1) ?? 'none';
}

function badOf(world: World, name: string): string[] {
  const wrong = visible(world, name).filter((version) => {
    const content = readFileSync(join(world.root, directoryOf(name), `${name}_${version}.raw`));
    return !content.equals(imageOf(name, version));
  });
  const temporary = world.names(directoryOf(name)).filter(isTemporaryName);
  return [...wrong, ...temporary];
}
