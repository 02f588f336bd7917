/** The jobs that both tools do on one host, from the same definitions, server and starting state. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { extensionImage } from '../support/images.ts';
import { publish, sha256, type TestKey } from '../support/repository.ts';
import type { Host } from '../support/systemd-host.ts';
import { type Measurement, measure } from './measure.ts';

/** All runs of one job by one tool. */
export interface Series {
  readonly tool: string;
  readonly runs: readonly Measurement[];
}

/** One job; the first series is what the others are compared with. */
export interface Job {
  readonly name: string;
  readonly series: readonly Series[];
}

export type Jobs = Readonly<Record<'one' | 'many' | 'update' | 'select' | 'start', Job>>;

/** One way to do a job. */
interface Contender {
  readonly tool: string;
  readonly argv: readonly string[];
  prepare?(): void;
  /** @throws Error when the right thing was not found or done */
  verify(stdout: string): void;
}

export const osRelease = { ID: 'testos', VERSION_ID: '1' } as const;

const VERSIONS = 20;
const INSTALLED = '19';
const OFFERED = '20';
const COMPONENTS = Array.from({ length: 50 }, (_, index) => `app${String(index + 1).padStart(2, '0')}`);
const [FIRST = '', ...OTHERS] = COMPONENTS;
/** More than a first look at a remote image brings, so that looking takes several requests, as for real ones. */
const SMALL_SIZE = 64 * 1024;
const BIG = 'big';
const BIG_SIZE = 200 * 1024 * 1024;
const REPETITIONS = { one: 15, many: 3, update: 7 } as const;

/**
 * systemd's timers fire together, every 250 ms, and systemd-pull waits for them. All start at a random point of this
 * period, or the duration of one run would decide how long the next one waits.
 */
const TIMER_PERIOD_MS = 250;

const SYSUPDATE = '/usr/lib/systemd/systemd-sysupdate';
export const EXTUPDATE = ['/srv/node/bin/node', '/srv/extupdate/extupdate'] as const;
const STORE = 'var/lib/extensions.d';
const STATE = 'var/lib/extupdate';

/** Publishes what all hosts ask for. @returns the SHA-256 of the big image */
export async function publishAll(directory: string, key: TestKey): Promise<string> {
  for (const name of COMPONENTS) {
    const versions = Array.from({ length: VERSIONS }, (_, index) => String(index + 1));
    const files = versions.map((version) => [fileName(name, version), image(name, SMALL_SIZE)] as const);
    await publish(join(directory, name), Object.fromEntries(files), { key });
  }
  const big = image(BIG, BIG_SIZE);
  await publish(
    join(directory, BIG),
    { [fileName(BIG, INSTALLED)]: image(BIG, SMALL_SIZE), [fileName(BIG, OFFERED)]: big },
    { key },
  );
  return sha256(big);
}

/** Runs all jobs on a host; each finds only those components defined that it is about. */
export async function runJobs(
  host: Host,
  url: string,
  key: TestKey,
  bigSha256: string,
): Promise<Omit<Jobs, 'select' | 'start'>> {
  // 257 reads the older name, 262 the newer one.
  for (const name of ['import-pubring.gpg', 'import-pubring.pgp']) {
    write(host, `etc/systemd/${name}`, key.binaryPublicKey);
  }
  setUp(host, url, FIRST);
  const one = await checkOne(host);
  for (const name of OTHERS) setUp(host, url, name);
  const many = await checkMany(host);
  setUp(host, url, BIG);
  return { one, many, update: await updateBig(host, bigSha256) };
}

function checkOne(host: Host): Promise<Job> {
  const expectOne = (stdout: string) => expectVersions(stdout, 1);
  return alternate(host, 'check 1 component', REPETITIONS.one, [
    { tool: 'systemd-sysupdate', argv: [SYSUPDATE, '-C', FIRST, 'check-new'], verify: expectOne },
    ...extupdateChecks(host, [FIRST], expectOne),
  ]);
}

function checkMany(host: Host): Promise<Job> {
  const loop = `for name in ${COMPONENTS.join(' ')}; do ${SYSUPDATE} -C $name check-new || exit; done`;
  const expectAll = (stdout: string) => expectVersions(stdout, COMPONENTS.length);
  return alternate(host, `check ${COMPONENTS.length} components`, REPETITIONS.many, [
    { tool: 'systemd-sysupdate', argv: ['sh', '-c', loop], verify: expectAll },
    ...extupdateChecks(host, [], expectAll),
  ]);
}

/** Without anything kept from earlier runs, and with it. */
function extupdateChecks(host: Host, words: readonly string[], verify: Contender['verify']): Contender[] {
  const argv = [...EXTUPDATE, 'check', ...words];
  const prepare = () => rmSync(join(host.root, STATE), { recursive: true, force: true });
  return [
    { tool: 'extupdate, first run', argv, prepare, verify },
    { tool: 'extupdate, later run', argv, verify },
  ];
}

function updateBig(host: Host, bigSha256: string): Promise<Job> {
  const prepare = () => {
    for (const path of [STATE, join(STORE, fileName(BIG, OFFERED))]) {
      rmSync(join(host.root, path), { recursive: true, force: true });
    }
    expose(host, BIG, INSTALLED);
  };
  const verify = () => {
    const linked = readlinkSync(join(host.root, linkPath(BIG)));
    const content = readFileSync(join(host.root, STORE, fileName(BIG, OFFERED)));
    const found = createHash('sha256').update(content).digest('hex');
    if (!linked.endsWith(fileName(BIG, OFFERED)) || found !== bigSha256) throw new Error(`${linked} ${found}`);
  };
  return alternate(host, `update of ${BIG_SIZE / 1024 / 1024} MiB`, REPETITIONS.update, [
    { tool: 'systemd-sysupdate', argv: [SYSUPDATE, '-C', BIG, 'update'], prepare, verify },
    { tool: 'extupdate', argv: [...EXTUPDATE, 'apply', BIG, '--no-refresh'], prepare, verify },
  ]);
}

/** Every contender once without counting, then all in turn; what one leaves to be written is not left to the next. */
export async function alternate(
  host: Host,
  name: string,
  count: number,
  contenders: readonly Contender[],
): Promise<Job> {
  const series = contenders.map((contender) => ({ ...contender, runs: [] as Measurement[] }));
  for (let repetition = 0; repetition <= count; repetition++) {
    for (const { tool, argv, prepare, verify, runs } of series) {
      prepare?.();
      await host.exec(['sync']);
      await delay(Math.random() * TIMER_PERIOD_MS);
      const run = await measure(host, argv);
      try {
        verify(run.stdout);
      } catch (error) {
        throw new Error(`${name}: ${tool} did something else: ${run.stdout}`, { cause: error });
      }
      if (repetition > 0) runs.push(run);
    }
  }
  return { name, series: series.map(({ tool, runs }) => ({ tool, runs })) };
}

/** Both tools name the version that they would change to. */
function expectVersions(stdout: string, count: number): void {
  const found = stdout.match(new RegExp(`\\b${OFFERED}\\b`, 'g'))?.length;
  if (found !== count) throw new Error(`${found} times ${OFFERED} in place of ${count}`);
}

/** Defines a component and installs the version before the newest. */
function setUp(host: Host, url: string, name: string): void {
  const pattern = fileName(name, '@v');
  write(
    host,
    `etc/sysupdate.${name}.d/${name}.transfer`,
    [
      '[Transfer]\nVerify=yes',
      `[Source]\nType=url-file\nPath=${url}/${name}\nMatchPattern=${pattern}`,
      `[Target]\nType=regular-file\nPath=/${STORE}\nMatchPattern=${pattern}\nCurrentSymlink=/${linkPath(name)}`,
      'InstancesMax=2\n',
    ].join('\n'),
  );
  write(host, join(STORE, fileName(name, INSTALLED)), image(name, SMALL_SIZE));
  expose(host, name, INSTALLED);
}

function expose(host: Host, name: string, version: string): void {
  const link = join(host.root, linkPath(name));
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(`../extensions.d/${fileName(name, version)}`, link);
}

export function write(host: Host, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(host.root, path)), { recursive: true });
  writeFileSync(join(host.root, path), content);
}

function image(name: string, size: number): Buffer {
  return extensionImage({ name, release: osRelease, files: { [`usr/share/${name}/data`]: randomBytes(size) } });
}

function fileName(name: string, version: string): string {
  return `${name}_${version}.raw`;
}

function linkPath(name: string): string {
  return `var/lib/extensions/${name}.raw`;
}
