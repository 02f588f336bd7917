/** What others can put in the way: each costs what it must, and no other component, no image, no file outside. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/os/run-command.ts';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, type World } from '../../support/world.ts';

let world: World;
const image = (name: string, version: string) =>
  extensionImage({ name, release: { ID: '_any' }, files: { [`usr/share/${name}/version`]: version } });
const offer = (name: string, ...versions: string[]) =>
  world.publish(name, Object.fromEntries(versions.map((one) => [`${name}_${one}.raw`, image(name, one)])));
const define = (name: string, target: Record<string, string> = {}) =>
  world.write(
    `etc/extupdate/transfer.d/${name}.transfer`,
    definition({
      Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
      Target: { Path: `/var/lib/extensions/${name}.raw.v`, ...target },
    }),
  );
const inRoot = (path: string) => join(world.root, path);
const fifo = async (path: string) => {
  rmSync(inRoot(path), { recursive: true, force: true });
  mkdirSync(dirname(inRoot(path)), { recursive: true });
  expect((await runCommand(['mkfifo', inRoot(path)])).status).toBe(0);
};
const loop = (path: string) => {
  rmSync(inRoot(path), { recursive: true, force: true });
  mkdirSync(dirname(inRoot(path)), { recursive: true });
  symlinkSync(inRoot(path).slice(inRoot(path).lastIndexOf('/') + 1), inRoot(path));
};

/** Resolves once a process has started another one: flock(1), where nothing else is to be done before. */
async function hasChild(pid: number): Promise<void> {
  while (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') === '') await delay(20);
}

beforeEach(async () => {
  world = await makeWorld();
  define('app');
  await offer('app', '1');
  expect((await world.run(['apply'])).status).toBe(0);
  await offer('app', '1', '2');
});
afterEach(() => world.close());

describe('one component', () => {
  it('whose directory cannot be looked into fails alone, with its name, in every command', async () => {
    define('web');
    loop('var/lib/extensions/web.raw.v');
    await offer('web', '1');
    const applied = await world.run(['apply']);
    expect(applied).toMatchObject({ status: 15, stdout: 'app: exposed 2 (was 1)\n' });
    expect(applied.stderr).toMatch(/web: .*too many symbolic links/);
    for (const command of [['select'], ['status'], ['gc']]) {
      const result = await world.run(command);
      expect(result.stderr, command.join(' ')).toContain('too many symbolic links');
    }
    expect(world.names('var/lib/extensions/app.raw.v')).toContain('app_2.raw');
  });

  it('whose CurrentSymlink= leads nowhere gets a new one', async () => {
    define('web', { Path: '/store', CurrentSymlink: '/etc/extensions/web.raw' });
    loop('etc/extensions/web.raw');
    await offer('web', '1');
    expect((await world.run(['apply', 'web'])).status).toBe(0);
    expect(world.link('etc/extensions/web.raw')).toBe('../../store/web_1.raw');
  });

  it('may not be named like what every object of JavaScript has', async () => {
    define('constructor');
    const result = await world.run(['apply']);
    expect(result).toMatchObject({ status: 15, stdout: 'app: exposed 2 (was 1)\n' });
    expect(result.stderr).toContain('"constructor" is not a name for a component');
  });
});

describe('files of the state', () => {
  const files = ['state.json', 'boots.json', 'os/testos:1.json', 'os/stray.json'];
  it.each(files)('%s is a directory, a link to itself, a FIFO: put aside', async (file) => {
    const path = `var/lib/extupdate/${file}`;
    for (const make of [(at: string) => mkdirSync(inRoot(at), { recursive: true }), loop, fifo]) {
      rmSync(inRoot(path), { recursive: true, force: true });
      rmSync(inRoot(`${path}.broken`), { recursive: true, force: true });
      await make(path);
      const selected = await world.run(['select']);
      expect(selected.status, selected.stderr).toBe(0);
      expect((await world.run(['apply'])).status, file).toBe(0);
    }
    expect(world.names('var/lib/extensions/app.raw.v')).toContain('app_2.raw');
  });

  it('records that make no sense do no harm', async () => {
    const record = { format: 1, buildId: null, ostreeVersion: null, state: 'planned', components: {} };
    const odd = [
      { ...record, identity: '%zz:1', deployment: null },
      { ...record, identity: 'x', deployment: '\udfff', release: { VERSION_ID: '\ud800' } },
    ];
    for (const [index, one] of odd.entries()) world.write(`var/lib/extupdate/os/odd${index}.json`, JSON.stringify(one));
    for (const command of [['apply'], ['gc'], ['status', '--os']]) expect((await world.run(command)).status).toBe(0);
  });

  it('a history of any size is read from its end', async () => {
    world.write('var/lib/extupdate/history.jsonl', `${'x'.repeat(20 * 1024 * 1024)}\n`);
    expect((await world.run(['apply'])).status).toBe(0);
    expect((await world.run(['history'])).stdout).toMatch(/apply +testos:1 +app +expose 2 \(was 1\)/);
    expect(readFileSync(inRoot('var/lib/extupdate/history.jsonl')).length).toBeLessThan(9 * 1024 * 1024);
  });
});

describe('staging, which belongs to the user who acquires', () => {
  it('leads nobody out of it', async () => {
    const outside = join(world.root, '..', 'outside');
    writeFileSync(outside, 'mine');
    rmSync(inRoot('var/lib/extupdate/staging/.lock'), { force: true });
    symlinkSync(outside, inRoot('var/lib/extupdate/staging/.lock'));
    expect((await world.run(['apply'])).status).toBe(14);
    expect(readFileSync(outside, 'utf8')).toBe('mine');
    rmSync(inRoot('var/lib/extupdate/staging/.lock'));
    const elsewhere = join(world.root, '..', 'elsewhere');
    mkdirSync(elsewhere);
    rmSync(inRoot('var/lib/extupdate/staging/manifests'), { recursive: true });
    symlinkSync(elsewhere, inRoot('var/lib/extupdate/staging/manifests'));
    expect((await world.run(['apply'])).status).toBe(0);
    expect(existsSync(elsewhere) && (await runCommand(['ls', '-A', elsewhere])).stdout).toBe('');
  });

  it.each(['facts.json', 'space-wanted.json', '.lock'])('%s as a FIFO keeps nobody waiting', async (name) => {
    await fifo(`var/lib/extupdate/staging/${name}`);
    expect((await world.run(['select'])).status).toBe(0);
    expect((await world.run(['apply'])).status).toBe(name === '.lock' ? 14 : 0);
  });
});

describe('the run itself', () => {
  it('goes on when its messages cannot be written', async () => {
    const result = await world.run(['apply'], { wrapper: ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'] });
    expect(result).toMatchObject({ status: 0, stdout: 'app: exposed 2 (was 1)\n' });
  });

  it('ends at once when it is told to while it waits for another one', async () => {
    mkdirSync(inRoot('run/extupdate'), { recursive: true });
    const { takeLock } = await import('../../../src/os/lock.ts');
    const lock = await takeLock(inRoot('run/extupdate/lock'), 'apply by a test');
    const started = performance.now();
    const result = await world.run(['apply', '--wait=60'], {
      onStart: (pid) => void hasChild(pid).then(() => process.kill(pid, 'SIGTERM')),
    });
    expect(result.status).toBe(143);
    expect(performance.now() - started).toBeLessThan(30_000);
    await lock.release();
    expect((await world.run(['apply'])).status).toBe(0);
  });

  it('an os-release that is no file is told', async () => {
    await fifo('etc/os-release');
    expect(await world.run(['status'])).toMatchObject({
      status: 14,
      stderr: expect.stringContaining('/etc/os-release: not a regular file'),
    });
  });
});

describe('rollback', () => {
  it('killed after it showed the older version is finished by the same command, and goes no further', async () => {
    for (const one of ['2', '3']) {
      await offer('app', '1', '2', '3'.slice(0, one === '3' ? 1 : 0) || '2');
      await world.run(['apply', `app@${one}`]);
    }
    expect((await world.run(['rollback', 'app'])).stdout).toBe('app: exposed 2 (was 3)\n');
    // As it was before the state was written for the last time.
    const state = JSON.parse(world.read('var/lib/extupdate/state.json') ?? '');
    state.trials = { app: { versions: ['2'], goesBack: true } };
    world.write('var/lib/extupdate/state.json', JSON.stringify(state));
    expect((await world.run(['rollback', 'app'])).stdout).toBe('Nothing to do.\n');
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
  });

  it('of the last change says when that brought something new', async () => {
    await world.run(['apply']);
    define('web');
    await offer('web', '1');
    await world.run(['apply']);
    expect(await world.run(['rollback'])).toMatchObject({
      status: 13,
      stderr: expect.stringContaining('web: it was not there before the last change'),
    });
    rmSync(inRoot('etc/extupdate/transfer.d/web.transfer'));
    expect((await world.run(['rollback'])).stdout).toBe('app: exposed 1 (was 2)\n');
  });

  it('keeps out what was kept out before', async () => {
    await offer('app', '1', '2', '3');
    await world.run(['apply', 'app@2']);
    await world.run(['rollback', 'app']);
    expect((await world.run(['apply'])).stdout).toBe('Nothing to do.\n');
    await offer('app', '1', '2', '3', '4');
    expect((await world.run(['apply'])).stdout).toBe('app: exposed 4 (was 1)\n');
  });
});
