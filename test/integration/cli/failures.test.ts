/**
 * The mistakes people make and the faults that happen: each ends in a short message and its documented status, the
 * active version stays, and the next good run needs no help.
 */
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeLock } from '../../../src/os/lock.ts';
import { EMPTY_SHA256 } from '../../../src/source/manifest.ts';
import { extensionImage } from '../../support/images.ts';
import { makeKey } from '../../support/repository.ts';
import { definition, makeWorld, type RunResult, runProgram, type World } from '../../support/world.ts';

const directory = 'var/lib/extensions/app.raw.v';
const image = (version: string, name = 'app') =>
  extensionImage({ name, release: { ID: 'testos', VERSION_ID: '1' }, files: { 'usr/share/v': version } });
const both = { 'app_1.raw': image('1'), 'app_2.raw': image('2') };

let world: World;
beforeEach(async () => {
  world = await makeWorld();
  define('app');
  await world.publish('app', { 'app_1.raw': image('1') });
  expect((await world.run(['apply'])).status).toBe(0);
  await world.publish('app', both);
});
afterEach(() => world.close());

function define(name: string, more: Parameters<typeof definition>[0] = {}): void {
  const sections = {
    Source: { Type: 'url-file', Path: `${world.server.url}/${name}`, MatchPattern: `${name}_@v.raw` },
    Target: { Path: `/var/lib/extensions/${name}.raw.v` },
  };
  world.write(`etc/extupdate/transfer.d/${name}.transfer`, definition({ ...sections, ...more }));
}

/** Two lines at most, no stack trace, the source or component named, and the old version where it was. */
function expectCleanFailure(result: RunResult, status: number, message: string | RegExp): void {
  const lines = result.stderr.split('\n').filter((line) => line.startsWith('extupdate: ') || line.startsWith('  '));
  expect(lines.join('\n')).toMatch(message);
  expect(lines.length).toBeLessThanOrEqual(2);
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result.status).toBe(status);
  expect(world.names(directory)).toContain('app_1.raw');
}

/** With what was wrong mended, the next run updates. */
async function expectRecovery(): Promise<void> {
  world.server.intercept = undefined;
  expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 2 (was 1)\n' });
  expect(world.read(`${directory}/app_2.raw`)).toBe(image('2').toString('latin1'));
  expect(world.names('var/lib/extupdate/staging').filter((name) => /^[0-9a-f]{64}/.test(name))).toEqual([]);
}

describe('status 2: usage', () => {
  it.each([
    ['an unknown command', ['aply'], /unknown command 'aply'/],
    ['an unknown option', ['list', '--jsno=short'], /unknown option '--jsno=short'/],
    ['a wrong choice', ['list', '--json=xml'], /argument 'xml' is invalid/],
    ['a wrong boolean', ['list', '--verify=perhaps'], /expected yes or no/],
    ['a missing name', ['why'], /missing required argument 'name'/],
    ['an unknown component', ['apply', 'ap'], /ap: no such component; did you mean app\?\n {2}known: app/],
    ['an unknown version', ['apply', 'app@9'], /there is no version 9\n {2}known: 2, 1/],
    ['an empty version', ['apply', 'app@'], /expected NAME or NAME@VERSION/],
    ['two versions of one component', ['apply', 'app@1', 'app@2'], /two versions were asked for/],
  ])('%s', async (_, args, message) => {
    const result = await world.run(args);
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(2);
  });
});

it('status 2: what there is no help on', async () => {
  const stderr = expect.stringMatching(
    /^extupdate: there is no help on "nope"\n {2}it is on commands, extupdate, [^\n]*\n$/,
  );
  expect(await runProgram(['help', 'nope'])).toMatchObject({ status: 2, stdout: '', stderr });
});

describe('status 3: configuration', () => {
  it('a typo in a setting names file, line and what is allowed; the others go on (15)', async () => {
    world.write(
      'etc/extupdate/transfer.d/web.transfer',
      '[Source]\nType=url-file\nPath=https://example.com/\nMatchPattern=web.raw\n[Target]\nPath=/var/lib/extensions\n[X-Extupdate]\nSkipVersion=1\n',
    );
    const result = await world.run(['apply']);
    expect(result.stderr).toContain('/etc/extupdate/transfer.d/web.transfer:4: MatchPattern=: "web.raw" has no "@v"');
    expect(result.stderr).toContain('/etc/extupdate/transfer.d/web.transfer:8: SkipVersion=: unknown setting');
    expect(result.stdout).toBe('app: exposed 2 (was 1)\n');
    expect(result.status).toBe(15);
    expect((await world.run(['check', 'web'])).status).toBe(3);
  });

  it('a component that is defined twice names both files', async () => {
    world.write('etc/sysupdate.app.d/app.transfer', world.read('etc/extupdate/transfer.d/app.transfer') ?? '');
    const result = await world.run(['check']);
    expect(result.stderr).toMatch(
      /app is defined by \/etc\/extupdate\S+app.transfer and \/etc\/sysupdate.app.d\/app.transfer/,
    );
    expect(result.status).toBe(3);
  });

  it('no keyring', async () => {
    rmSync(join(world.root, 'etc/systemd/import-pubring.pgp'));
    expectCleanFailure(await world.run(['apply']), 3, /no keyring.*\n.*--keyring=FILE/);
  });

  it('a keyring that is none', async () => {
    const bad = join(world.root, 'bad.pgp');
    writeFileSync(bad, 'nonsense');
    expectCleanFailure(
      await world.run(['apply', `--keyring=${bad}`]),
      3,
      /bad\.pgp: the keyring holds no key|not a keyring/,
    );
    await expectRecovery();
  });

  it('a mistake in extupdate.conf', async () => {
    world.write('etc/extupdate/extupdate.conf', '[Extupdate]\nMaxImageSize=huge\n');
    expectCleanFailure(await world.run(['apply']), 3, 'extupdate.conf:2: MaxImageSize=: "huge" is not valid; allowed:');
  });

  it('a root without an operating system', async () => {
    rmSync(join(world.root, 'usr/lib/os-release'));
    expectCleanFailure(await world.run(['check']), 3, /os-release.*\n.*--root=/);
  });
});

describe('status 10: network', () => {
  it('a wrong path', async () => {
    define('app', { Source: { Type: 'url-file', Path: `${world.server.url}/nowhere`, MatchPattern: 'app_@v.raw' } });
    expectCleanFailure(await world.run(['apply']), 10, /nowhere\/SHA256SUMS: the server has no such list.*\n.*Path=/);
    define('app');
    await expectRecovery();
  });

  it('a web page in place of the list', async () => {
    world.server.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Welcome');
      return true;
    };
    expectCleanFailure(await world.run(['apply']), 10, /not found, or a web page/);
    await expectRecovery();
  });

  it('a server that fails', async () => {
    world.server.intercept = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
    expectCleanFailure(await world.run(['apply']), 10, /the server answered 500/);
    await expectRecovery();
  });

  it('a payload that is not there', async () => {
    world.server.intercept = (_, response, path) => {
      if (!path.endsWith('app_2.raw')) return false;
      response.writeHead(404).end();
      return true;
    };
    expectCleanFailure(await world.run(['apply']), 10, /app_2\.raw: the server answered 404/);
    await expectRecovery();
  });
});

describe('status 11: authenticity', () => {
  it('a signature by a stranger', async () => {
    await world.publish('app', both, { key: await makeKey() });
    expectCleanFailure(
      await world.run(['apply']),
      11,
      /SHA256SUMS\.gpg: signed by the key [0-9a-f]{16}, which is not in the keyring/,
    );
    await world.publish('app', both);
    await expectRecovery();
  });

  it('no signature, and no falling back to none (S53)', async () => {
    await world.publish('app', both, { signatureName: 'elsewhere' });
    expectCleanFailure(await world.run(['apply']), 11, /has no signature.*\n.*Verify=no/);
    await world.publish('app', both);
    await expectRecovery();
  });

  it('a list with a bad line, by its number', async () => {
    await world.publish('app', both, { extraLines: ['not a line'] });
    expectCleanFailure(await world.run(['apply']), 11, /SHA256SUMS:3: expected 64 hex digits/);
    await world.publish('app', both);
    await expectRecovery();
  });

  it('a payload with another hash', async () => {
    world.server.intercept = (request, response, path) => {
      // The look at its first bytes is honest.
      if (!path.endsWith('app_2.raw') || request.headers.range === 'bytes=0-16383') return false;
      response.writeHead(200).end(image('forged'));
      return true;
    };
    expectCleanFailure(
      await world.run(['apply']),
      11,
      /app_2\.raw: hash mismatch: expected [0-9a-f]{64}, got [0-9a-f]{64}/,
    );
    await expectRecovery();
  });

  it('a list and a signature that were replaced one after the other: both are fetched again', async () => {
    const published = new Map<string, number>();
    await world.publish('app', { ...both, 'app_3.raw': image('3') });
    world.server.intercept = (_, response, path) => {
      const times = (published.get(path) ?? 0) + 1;
      published.set(path, times);
      if (!path.endsWith('/SHA256SUMS.gpg') || times > 1) return false;
      // The old signature for the new list, once.
      response.writeHead(200).end(Buffer.from('not yet'));
      return true;
    };
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 3 (was 1)\n' });
    expect(published.get('/app/SHA256SUMS')).toBe(2);
  });
});

describe('status 12: policy', () => {
  it('a list that is stale', async () => {
    await world.publish('app', both, { extraLines: [`${EMPTY_SHA256} *BEST-BEFORE-2020-01-01`] });
    expectCleanFailure(await world.run(['apply']), 12, /stale since the end of 2020-01-01/);
    await world.publish('app', both);
    await expectRecovery();
  });

  it('a list that was signed too long ago', async () => {
    world.write('etc/extupdate.conf', '[Extupdate]\nMaxManifestAgeSec=1ms\n');
    expectCleanFailure(await world.run(['apply']), 12, /signed at .*, longer ago than MaxManifestAgeSec=/);
    rmSync(join(world.root, 'etc/extupdate.conf'));
    await expectRecovery();
  });

  it('an image over MaxImageSize=', async () => {
    world.write('etc/extupdate.conf', '[Extupdate]\nMaxImageSize=1K\n');
    expectCleanFailure(await world.run(['apply']), 12, /app_2\.raw: larger than MaxImageSize=/);
    rmSync(join(world.root, 'etc/extupdate.conf'));
    await expectRecovery();
  });
});

describe('status 13: content', () => {
  it.each([
    ['a web page', Buffer.from('<!doctype html><p>Welcome')],
    ['garbage', Buffer.alloc(5000, 'x')],
    ['an image without a release file', extensionImage({ name: 'app', kind: 'confext' })],
    ['an image for another name', image('2', 'other')],
  ])('%s, with nothing installed that fits', async (_, content) => {
    await world.publish('web', { 'web_1.raw': content });
    define('web', {
      Source: { Type: 'url-file', Path: `${world.server.url}/web`, MatchPattern: 'web_@v.raw' },
    });
    const result = await world.run(['apply', 'web']);
    expectCleanFailure(result, 13, /web: no version fits and none is installed; the newest is 1: /);
    expect(world.names('var/lib/extensions/web.raw.v')).toEqual([]);
  });

  it('a version that is asked for and does not fit says why', async () => {
    const next = extensionImage({ name: 'app', release: { ID: 'testos', VERSION_ID: '2' } });
    await world.publish('app', { ...both, 'app_3.raw': next });
    expectCleanFailure(await world.run(['apply', 'app@3']), 13, /version 3 cannot be used: VERSION_ID=2, this OS is 1/);
    await expectRecovery();
  });

  it('is a notice and no failure when an older version is active', async () => {
    await world.publish('app', { 'app_1.raw': image('1'), 'app_2.raw': Buffer.alloc(5000, 'x') });
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'Nothing to do.\n' });
    const [newest] = (await world.run(['list', '--json=short'])).json().components[0]?.versions ?? [];
    expect(newest).toMatchObject({ version: '2', compatible: false });
    await world.publish('app', both);
    await expectRecovery();
  });
});

describe('status 14: local storage', () => {
  it('a file where the target directory should be', async () => {
    define('web', { Target: { Path: '/var/lib/blocked/web.raw.v' }, 'X-Extupdate': { Kind: 'sysext' } });
    await world.publish('web', { 'web_1.raw': image('1', 'web') });
    world.write('var/lib/blocked', 'a file');
    expectCleanFailure(await world.run(['apply', 'web']), 14, /web: .*not a directory|exists already/);
    rmSync(join(world.root, 'var/lib/blocked'));
    expect((await world.run(['apply', 'web'])).status).toBe(0);
  });

  it('something else where the link should be, which stays', async () => {
    define('web', {
      Target: { Path: '/var/lib/extensions.d', CurrentSymlink: '/var/lib/extensions/web.raw' },
    });
    await world.publish('web', { 'web_1.raw': image('1', 'web') });
    world.write('var/lib/extensions/web.raw', 'mine');
    expectCleanFailure(
      await world.run(['apply', 'web']),
      14,
      /\/var\/lib\/extensions\/web\.raw: is not a symbolic link/,
    );
    expect(world.read('var/lib/extensions/web.raw')).toBe('mine');
  });
});

describe('status 75: busy', () => {
  it('names the holder, and a killed holder leaves no lock', async () => {
    const path = join(world.root, 'run/extupdate/lock');
    const lock = await takeLock(path, 'apply by a test');
    expectCleanFailure(
      await world.run(['apply']),
      75,
      new RegExp(`busy: "extupdate apply by a test" with process id ${process.pid}`),
    );
    expect((await world.run(['list'])).status).toBe(0);
    await lock.release();
    await expectRecovery();
  });
});

describe('interruptions', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends with %i, and what was received is used later', async (signal, status) => {
    let pid = 0;
    world.server.intercept = (request, response, path) => {
      if (!path.endsWith('app_2.raw') || request.headers.range === 'bytes=0-16383') return false;
      response.writeHead(200, { 'content-length': both['app_2.raw'].length });
      response.write(both['app_2.raw'].subarray(0, 1000), () => setTimeout(() => process.kill(pid, signal), 50));
      return true;
    };
    const result = await world.run(['apply'], {
      onStart: (started) => {
        pid = started;
      },
    });
    expect(result.status).toBe(status);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    expect(world.names(directory)).toContain('app_1.raw');
    await expectRecovery();
  });

  it('a reader that has seen enough is no error', async () => {
    const { spawnSync } = await import('node:child_process');
    const { programPath } = await import('../../support/world.ts');
    const command = `"${process.execPath}" "${programPath}" list --root="${world.root}" --offline | true`;
    const result = spawnSync('bash', ['-o', 'pipefail', '-c', command], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
  });
});

describe('JSON', () => {
  it('holds one document and nothing else, errors and all', async () => {
    await world.publish('app', both, { key: await makeKey() });
    const result = await world.run(['apply', '--json=pretty']);
    expect(result.stderr).toBe('');
    expect(result.status).toBe(11);
    expect(result.json().errors).toMatchObject([
      {
        component: 'app',
        code: 'trust',
        exit: 11,
        message: expect.stringContaining('not in the keyring'),
        next: expect.any(String),
      },
    ]);
  });

  it('is a document for failures of the whole run too', async () => {
    const result = await world.run(['apply', 'nothing', '--json=short']);
    expect(result.json()).toMatchObject({
      format: 1,
      components: [],
      errors: [{ component: null, code: 'usage', exit: 2 }],
    });
    expect(result.status).toBe(2);
  });

  it('has every flag of a version', async () => {
    const [first] = (await world.run(['list', '--json=short'])).json().components[0]?.versions ?? [];
    expect(first).toEqual({
      version: '2',
      installed: false,
      active: false,
      available: true,
      compatible: true,
      newest: true,
      obsolete: false,
      protected: false,
      incomplete: false,
      partial: false,
      pending: false,
      held: false,
      bad: false,
      reason: { code: 'chosen', text: 'the newest version that fits' },
    });
  });
});

describe('without privileges', () => {
  it('list, check, status and why work on a host that this user may not write', async (context) => {
    if (process.getuid?.() !== 0) {
      console.warn('skipped: needs root to become somebody else');
      context.skip();
    }
    chmodSync(join(world.root, '..'), 0o755);
    const wrapper = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    for (const command of [['list'], ['check'], ['status'], ['why', 'app']]) {
      const { status, stderr } = await world.run(command, { wrapper });
      expect(`${command}: ${status} ${stderr}`).toBe(`${command}: 0 `);
    }
    expect((await world.run(['apply'], { wrapper })).status).toBe(14);
  });
});

describe('of what is defined and not installed', () => {
  beforeEach(async () => {
    define('other');
    const release = { ID: 'otheros', VERSION_ID: '9' };
    await world.publish('other', { 'other_1.raw': extensionImage({ name: 'other', release, files: {} }) });
  });

  it('apply --dry-run tells what apply would tell, where nothing fits (13)', async () => {
    const [would, did] = [await world.run(['apply', 'other', '--dry-run']), await world.run(['apply', 'other'])];
    expect([would.status, would.stderr]).toEqual([did.status, expect.stringContaining('no version fits')]);
    expect([did.status, did.stderr]).toEqual([13, expect.stringContaining('no version fits')]);
  });

  it('status says how to install it, and install that it was not acquired (13)', async () => {
    expect((await world.run(['status'])).stdout).toMatch(
      /\nother: nothing is installed; "extupdate apply other" installs it\n$/,
    );
    const installed = await world.run(['install', 'other']);
    expect([installed.status, installed.stderr]).toEqual([
      13,
      expect.stringContaining('nothing of it was acquired yet'),
    ]);
  });
});

it('a mistake in extupdate.conf keeps nobody from status and rollback', async () => {
  world.write('etc/extupdate.conf', '[Extupdate]\nRatelimit=1\n');
  const status = await world.run(['status']);
  expect([status.status, status.stderr]).toEqual([0, expect.stringContaining('did you mean RateLimit')]);
  expect((await world.run(['check'])).status).toBe(3);
});

it('--root= has to be there (2)', async () => {
  const result = await runProgram(['list', '--root=/no/such/tree']);
  expect([result.status, result.stderr]).toEqual([2, expect.stringContaining('there is no such directory')]);
});

describe('--version and --help', () => {
  it('options may stand before the command, and a wrong one names the help of it', async () => {
    expect(await runProgram([`--root=${world.root}`, 'components'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('app'),
    });
    const wrong = await runProgram(['list', '--bogus']);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('(see extupdate list --help)')]);
  });

  it('answer without a host', async () => {
    expect(await runProgram(['--version'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect(await runProgram(['apply', '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--dry-run'),
    });
  });
});

describe('JSON for words that are wrong', () => {
  it.each([
    ['an unknown option', ['list', '--bogus', '--json=short']],
    ['an unknown command', ['bogus', '--json=short']],
    ['a missing name', ['why', '--json=short']],
    ['a wrong boolean', ['list', '--verify=maybe', '--json=short']],
    ['a directory that is not there', ['list', '--definitions=/nowhere', '--json=short']],
  ])('%s is told in a document', async (_, args) => {
    const result = await runProgram(args);
    expect(result.stderr).toBe('');
    expect(result.json()).toMatchObject({ format: 1, errors: [{ code: 'usage', exit: 2 }] });
    expect(result.status).toBe(2);
  });
});
