/**
 * Taking over from staging, which belongs to the user that acquires: whatever that user leaves there, and does to it while
 * it is taken over, nothing unverified becomes visible (the lesson of CVE-2020-25860), and the next runs converge.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPayload } from '../../src/archive/payload.ts';
import { TrustError } from '../../src/errors.ts';
import { makeKey, sha256, sign } from '../support/repository.ts';
import { APP, imageOf, makeScene, type Scene } from '../support/scene.ts';

/** A user without rights, as whom the tests acquire: nobody. */
const ACQUIRER = 65_534;
const asAcquirer = ['setpriv', `--reuid=${ACQUIRER}`, `--regid=${ACQUIRER}`, '--clear-groups'];
/** Times that each form is taken over while it is rewritten; `npm run test:race` plays 25, and every case beside them. */
const RACES = Number(process.env.EXTUPDATE_TEST_RACES ?? 1);

let scene: Scene;
let staging = '';
let last = 2;

beforeAll(async () => {
  if (process.getuid?.() !== 0) return;
  scene = await makeScene();
  const { world } = scene;
  staging = join(world.root, 'var/lib/extupdate/staging');
  expect((await world.run(['apply'])).status).toBe(0);
  chmodSync(dirname(world.root), 0o755);
  // As ExecStartPre= of extupdate-acquire.service.
  execFileSync('chown', ['--recursive', `${ACQUIRER}:${ACQUIRER}`, staging]);
  scene.define('app', { Source: { MatchPattern: 'app_@v.raw app_@v.raw.gz app_@v.raw.xz app_@v.raw.zst' } });
});
afterAll(() => scene?.close());

interface Staged {
  readonly version: string;
  /** Path of the payload in staging. */
  readonly path: string;
  readonly published: Buffer;
}

/** Publishes the next version, packed by a command. */
async function announce(suffix = '', pack?: readonly [string, ...string[]]): Promise<Omit<Staged, 'path'>> {
  last += 1;
  const version = String(last);
  const image = imageOf(version);
  const published = pack ? execFileSync(pack[0], pack.slice(1), { input: image }) : image;
  scene.verified.set(version, image);
  await scene.world.publish('app', { [`app_${version}.raw${suffix}`]: published });
  return { version, published };
}

/** Publishes the next version, and acquires it as the other user. */
async function stage(...how: Parameters<typeof announce>): Promise<Staged> {
  const { version, published } = await announce(...how);
  expect((await scene.world.run(['acquire'], { wrapper: asAcquirer })).status).toBe(0);
  const path = join(staging, sha256(published));
  expect(lstatSync(path).uid).toBe(ACQUIRER);
  return { version, path, published };
}

/** What the two services do next time. */
async function expectConverges(version: string): Promise<void> {
  expect(await scene.world.run(['acquire'], { wrapper: asAcquirer })).toMatchObject({ status: 0 });
  expect(await scene.world.run(['install'])).toMatchObject({ status: 0 });
  scene.expectActive(version);
  const left = readdirSync(staging).filter((name) => /^[0-9a-f]{64}/.test(name));
  expect(left).toEqual([]);
}

/** Writes as the user that acquires would. */
function put(path: string, content: Uint8Array | string): void {
  rmSync(path, { recursive: true, force: true });
  writeFileSync(path, content);
  chownSync(path, ACQUIRER, ACQUIRER);
}

/** The directory of the saved list of `app`. */
function listDirectory(): string {
  const manifests = join(staging, 'manifests');
  const own = readdirSync(manifests).find((name) =>
    readFileSync(join(manifests, name, 'meta.json'), 'utf8').includes('/app"'),
  );
  return join(manifests, own ?? '');
}

const evil = () => Buffer.from(imageOf('evil'));
const listNaming = (version: string) => `${sha256(evil())} *app_${version}9.raw\n`;

describe.runIf(process.getuid?.() === 0)('what the acquiring user has left in staging', () => {
  const refused: readonly [string, number, (staged: Staged) => unknown][] = [
    ['other bytes of the same name', 11, ({ path }) => put(path, evil())],
    [
      'one bit changed',
      11,
      ({ path, published }) => put(path, Buffer.from(published).fill((published[900] ?? 0) ^ 1, 900, 901)),
    ],
    ['a file that is cut short', 11, ({ path, published }) => truncateSync(path, published.length - 1)],
    ['a file without end', 11, ({ path }) => truncateSync(path, 2 ** 43)],
    [
      'a link to the right bytes',
      11,
      ({ path }) => {
        renameSync(path, join(staging, 'mine'));
        symlinkSync('mine', path);
      },
    ],
    [
      'a link to a device',
      11,
      ({ path }) => {
        rmSync(path);
        symlinkSync('/dev/zero', path);
      },
    ],
    [
      'a FIFO',
      11,
      ({ path }) => {
        rmSync(path);
        execFileSync('mkfifo', [path]);
      },
    ],
    [
      'a directory',
      11,
      ({ path }) => {
        rmSync(path);
        mkdirSync(join(path, 'deep'), { recursive: true });
      },
    ],
    [
      'a list of its own, with bytes that go with it',
      11,
      ({ version }) => {
        const directory = listDirectory();
        put(join(staging, sha256(evil())), evil());
        put(join(directory, 'SHA256SUMS'), listNaming(version));
      },
    ],
    [
      'a list that another key has signed',
      11,
      async ({ version }) => {
        const stranger = await makeKey();
        const directory = listDirectory();
        put(join(staging, sha256(evil())), evil());
        const list = listNaming(version);
        put(join(directory, 'SHA256SUMS'), list);
        put(join(directory, 'signature'), await sign(list, [stranger]));
      },
    ],
    ['a list without its signature', 0, () => rmSync(join(listDirectory(), 'signature'))],
    [
      'directories for files of the list',
      0,
      () => {
        for (const name of ['SHA256SUMS', 'meta.json']) {
          const path = join(listDirectory(), name);
          rmSync(path);
          mkdirSync(path);
          chownSync(path, ACQUIRER, ACQUIRER);
        }
      },
    ],
    [
      'a link for all lists',
      0,
      () => {
        rmSync(join(staging, 'manifests'), { recursive: true });
        symlinkSync('/etc', join(staging, 'manifests'));
      },
    ],
    [
      'a FIFO for all lists',
      0,
      () => {
        rmSync(join(staging, 'manifests'), { recursive: true, force: true });
        execFileSync('mkfifo', [join(staging, 'manifests')]);
      },
    ],
  ];

  it.each(refused.filter((_, index) => RACES > 1 || index % 2 === 0))(
    '%s: nothing of it is taken (%i), and the next runs converge',
    async (_, exit, tamper) => {
      const before = String(last);
      const staged = await stage();
      await tamper(staged);
      const result = await scene.world.run(['install', '--json=short']);
      expect(result.json().errors.filter(({ component }) => component === 'app')).toMatchObject(
        exit === 0 ? [] : [{ exit }],
      );
      scene.expectActive(before);
      rmSync(join(staging, 'mine'), { force: true });
      rmSync(join(staging, sha256(evil())), { force: true });
      await expectConverges(staged.version);
    },
  );

  it('the right bytes, kept open and under a second name: a copy of them is installed', async () => {
    const { version, path } = await stage();
    const other = join(staging, 'mine');
    linkSync(path, other);
    const open = openSync(path, 'r+');
    expect((await scene.world.run(['install'])).status).toBe(0);
    writeSync(open, 'evil', 0);
    writeFileSync(other, 'evil');
    scene.expectActive(version);
    rmSync(other);
    await expectConverges(version);
  });

  it.each(['in place', 'under a second name'])(
    'a partial file that is kept open %s, and that root resumes',
    async (how) => {
      const { version, published: image } = await announce();
      const path = join(staging, `${sha256(image)}.partial`);
      put(path, image.subarray(0, 2000));
      if (how !== 'in place') linkSync(path, join(staging, 'mine'));
      const open = openSync(path, 'r+');
      // By hand: one run downloads, installs and exposes, and might take the very file.
      expect((await scene.world.run(['apply'])).status).toBe(0);
      writeSync(open, 'evil', 100);
      scene.expectActive(version);
      rmSync(join(staging, 'mine'), { force: true });
    },
  );

  it.each(['a FIFO', 'a link', 'a directory'])(
    '%s in place of a partial file does not stop a run by hand',
    async (what) => {
      const { version, published: image } = await announce();
      const path = join(staging, `${sha256(image)}.partial`);
      const victim = join(scene.world.root, 'victim');
      writeFileSync(victim, 'untouched');
      if (what === 'a FIFO') execFileSync('mkfifo', [path]);
      else if (what === 'a link') symlinkSync(victim, path);
      else mkdirSync(path);
      expect((await scene.world.run(['apply'])).status).toBe(0);
      expect(readFileSync(victim, 'utf8')).toBe('untouched');
      scene.expectActive(version);
    },
  );
});

describe.runIf(process.getuid?.() === 0)('staging is rewritten while it is taken over', () => {
  const forms: readonly [string, string, readonly [string, ...string[]] | undefined][] = [
    ['raw', '', undefined],
    ['gzip', '.gz', ['gzip', '-c']],
    ['xz', '.xz', ['xz', '-c']],
    ['zstd', '.zst', ['zstd', '-c']],
  ];

  it.each(forms)(
    '%s: what becomes visible was verified, or nothing does',
    async (_, suffix, pack) => {
      for (let race = 0; race < RACES; race += 1) {
        const before = String(last);
        const { version, path, published } = await stage(suffix, pack);
        const rewriter = await startRewriter(path, published.length);
        let result: Awaited<ReturnType<Scene['world']['run']>>;
        try {
          result = await scene.world.run(['install', '--json=short']);
        } finally {
          await stop(rewriter);
        }
        const errors = result.json().errors.filter(({ component }) => component === 'app');
        for (const { exit } of errors) expect([11, 13, 14]).toContain(exit);
        // Nobody says that what the other user leaves in staging is in order.
        rmSync(path, { force: true });
        scene.expectActive(existsSync(join(scene.world.root, APP, `app_${version}.raw`)) ? version : before);
        for (const name of ['second', 'good', 'evil']) rmSync(join(staging, name), { force: true });
        await expectConverges(version);
      }
    },
    60_000 * RACES,
  );

  it('damage of bytes that were not promised is no damage of those that are', async () => {
    const good = gzipSync(Buffer.from('good'));
    let reading = 0;
    const open = async function* () {
      reading += 1;
      yield reading === 2 ? Buffer.concat([good.subarray(0, 12), Buffer.from('evil')]) : good;
    };
    const read = readPayload({ name: 'x', maxBytes: 1000, sha256: sha256(good), open }, async (bytes) => {
      for await (const _ of bytes);
    });
    await expect(read).rejects.toThrow(TrustError);
  });

  it('bytes that are packed in one reading and not in the next are not taken for promised ones', async () => {
    const plain = Buffer.from('plain bytes, as promised');
    let reading = 0;
    const open = async function* () {
      reading += 1;
      yield reading === 1 ? gzipSync(plain) : gzipSync(Buffer.from('evil'));
    };
    const read = (sha: string, source: () => AsyncIterable<Uint8Array>) =>
      readPayload({ name: 'x', maxBytes: 1000, sha256: sha, open: source }, async (bytes) => {
        for await (const _ of bytes);
      });
    await expect(read(sha256(gzipSync(plain)), open)).rejects.toThrow(TrustError);
    // The head says "not packed", and the promised bytes that follow are.
    let readings = 0;
    const swapped = async function* () {
      readings += 1;
      yield readings === 1 ? plain : gzipSync(plain);
    };
    await expect(read(sha256(gzipSync(plain)), swapped)).rejects.toThrow(/was changed while it was read/);
  });
});

/**
 * Writes good and bad bytes in turns, as fast as it can: through a descriptor of the file, through a second name of it,
 * and by putting other files in its place.
 */
const REWRITER = `
  const fs = require('node:fs');
  const [path, size] = process.argv.slice(1);
  const dir = require('node:path').dirname(path);
  const good = fs.readFileSync(path), bad = Buffer.from(good);
  bad.fill(0x65, Math.floor(size / 2), Math.floor(size / 2) + 64);
  const open = fs.openSync(path, 'r+');
  fs.linkSync(path, dir + '/second');
  process.stdout.write('ready');
  for (let turn = 0; ; turn += 1) {
    try {
      if (turn % 3 === 0) { fs.writeSync(open, bad, 0, bad.length, 0); fs.writeSync(open, good, 0, good.length, 0); }
      else if (turn % 3 === 1) { fs.writeFileSync(dir + '/second', bad); fs.writeFileSync(dir + '/second', good); }
      else for (const [name, bytes] of [['evil', bad], ['good', good]]) {
        fs.writeFileSync(dir + '/' + name, bytes);
        fs.renameSync(dir + '/' + name, path);
      }
    } catch {}
  }
`;

async function startRewriter(path: string, size: number): Promise<ChildProcess> {
  const [program = '', ...args] = [...asAcquirer, process.execPath, '-e', REWRITER, path, String(size)];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}
