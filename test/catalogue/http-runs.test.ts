/** The fault catalogue, H: what takes whole runs of the program (H67, H79, H82, H83, H86). */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBlackHole } from '../support/black-hole.ts';
import { type FaultServer, startFaultServer } from '../support/fault-server/fault-server.ts';
import { authority } from '../support/fault-server/tls.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { makeScene, type Scene } from '../support/scene.ts';

let scene: Scene;
let server: FaultServer;
const proxies: TestProxy[] = [];

async function setUp(): Promise<void> {
  scene = await makeScene();
  server = await startFaultServer(scene.world.published);
  scene.world.write('etc/authority.pem', authority());
  configure({});
  scene.define('app', { Source: { Path: `${server.url}/app` } });
}

async function tearDown(): Promise<void> {
  for (const proxy of proxies.splice(0)) await proxy.close();
  await server.close();
  await scene.close();
}

function configure(settings: Readonly<Record<string, string | number>>): void {
  const all = { CAFile: '/etc/authority.pem', RetrySec: 0.01, ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`);
  scene.world.write('etc/extupdate.conf', `[Extupdate]\n${lines.join('')}`);
}

async function addProxy(fault?: number | 'silent'): Promise<TestProxy> {
  const proxy = await startProxy(fault);
  proxies.push(proxy);
  return proxy;
}

describe('H', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  it('H67: credentials of a URL, or of a proxy, are told to nobody', async () => {
    const path = `${server.url.replace('//', '//somebody:s3cret@')}/app`;
    scene.define('app', { Source: { Path: path } });
    server.set('status=401', '*/SHA256SUMS');
    const proxy = await addProxy();
    configure({ Proxy: proxy.url.replace('//', '//proxyuser:pr0xysecret@') });
    const { stdout, stderr } = await scene.suffer({
      exit: 10,
      message: 'the server answered 401',
      next: /Credential=/,
      mend: () => server.clear(),
    });
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${base64('somebody:s3cret')}`);
    expect(proxy.authorizations[0]).toBe(`Basic ${base64('proxyuser:pr0xysecret')}`);
    const debug = await scene.world.run(['why', 'app', '--debug']);
    const told = [stdout, stderr, debug.stdout, debug.stderr, ...contentsBelow(join(scene.world.root, 'var'))];
    expect(told.filter((text) => /s3cret|pr0xysecret/.test(text))).toEqual([]);
    // What is remembered of it is as complete as of other sources.
    const remembered = scene.world.names('var/lib/extupdate/sources').map((name) => name.split('.'));
    const namesOf = (kind: string) => remembered.filter(([, suffix]) => suffix === kind).map(([id]) => id);
    expect(namesOf('names')).toEqual(namesOf('json'));

    // Nor what stands where it must not.
    scene.define('app', { Source: { Path: 'ftp://somebody:s3cret@example.com/app' } });
    const broken = await scene.world.run(['status', '--debug']);
    expect(broken.stderr).toMatch(/ftp:\/\/\*\*\*@example\.com/);
    expect(broken.stdout + broken.stderr).not.toContain('s3cret');
    configure({ Proxy: 'ftp://somebody:s3cret@example.com' });
    const refused = await scene.world.run(['check', '--debug']);
    expect(refused).toMatchObject({ status: 3, stderr: expect.not.stringContaining('s3cret') });
  });

  it('H79: an image that is exactly as large as allowed, and one byte larger', async () => {
    const size = statSync(join(scene.world.published, 'app', 'app_2.raw')).size;
    configure({ MaxImageSize: size - 1 });
    await scene.suffer({
      exit: 12,
      message: /larger than MaxImageSize=/,
      next: /MaxImageSize=/,
      // Both images have this size.
      everywhere: true,
      mend: () => configure({ MaxImageSize: size }),
    });
  });

  it('H–: SIGTERM while lists are fetched ends the run, and the next one finds all as it was', async () => {
    server.set('stall');
    const { world } = scene;
    let stopped = 0;
    const result = await world.run(['apply'], {
      onStart: (pid) => {
        const waiting = setInterval(() => {
          if (server.requests.length === 0) return;
          clearInterval(waiting);
          stopped = performance.now();
          process.kill(pid, 'SIGTERM');
        }, 10);
      },
    });
    expect(performance.now() - stopped).toBeLessThan(2000 + 3000);
    expect(result.status).toBe(143);
    scene.expectActive('1');
    await server.clear();
    expect(await world.run(['apply'])).toMatchObject({ status: 0 });
    scene.expectActive('2');
    scene.expectTidy();
  });
});

it('H83: units do not pass on what changes TLS or Node', () => {
  const units = readdirSync('units').filter((name) => name.endsWith('.service'));
  const mine = units.filter((name) => /^ExecStart=.*extupdate/m.test(readFileSync(join('units', name), 'utf8')));
  expect(mine.length).toBeGreaterThan(5);
  for (const name of mine) {
    const unit = readFileSync(join('units', name), 'utf8');
    expect(unit, name).toMatch(/^UnsetEnvironment=.*\bNODE_OPTIONS\b.*\bNODE_TLS_REJECT_UNAUTHORIZED\b/m);
  }
});

describe('H82: proxies', () => {
  beforeAll(setUp);
  afterAll(tearDown);
  const check = (env: Readonly<Record<string, string>>) => scene.world.run(['check'], { env });

  it.each([
    ['that wants a password', 407, /the proxy answered 407[\s\S]*the proxy answered 407/, /Proxy=/],
    ['that forbids', 403, /the proxy answered 403[\s\S]*no such list/, /Path=/],
    ['that cannot reach the server', 502, /answered 502[\s\S]*answered 502/, /\S/],
    ['that never answers', 'silent', /took longer than ListTimeoutSec=|StallTimeoutSec=/, /\S/],
  ] as const)('H82: one %s → 10, for https and for http', async (_, fault, message, next) => {
    configure({ StallTimeoutSec: 0.4, ListTimeoutSec: 3 });
    scene.define('app', { Source: { Path: `${server.secureUrl}/app` } });
    const proxy = await addProxy(fault);
    const { status, stderr } = await check({ http_proxy: proxy.url, https_proxy: proxy.url });
    expect(status, stderr).toBe(10);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(next);
    expect(proxy.asked.map((one) => one.split(' ')[0])).toEqual(expect.arrayContaining(['CONNECT', 'GET']));
    scene.expectActive('1');
  });

  it('H82: one that nobody is → 10; one that is none → 3', async () => {
    const gone = await startProxy();
    await gone.close();
    const refused = await check({ http_proxy: gone.url });
    expect(refused).toMatchObject({ status: 10, stderr: expect.stringContaining('connection refused') });
    const wrong = await check({ http_proxy: 'http://[' });
    expect(wrong).toMatchObject({ status: 3, stderr: expect.stringContaining('http_proxy in the environment') });
  });

  it('H82: no_proxy is heeded', async () => {
    const proxy = await addProxy();
    configure({});
    expect(await check({ http_proxy: proxy.url, no_proxy: '127.0.0.1' })).toMatchObject({ status: 0 });
    expect(proxy.asked).toEqual([]);
  });

  it('H82: those of the environment are asked, for http and for https', async () => {
    const proxy = await addProxy();
    // Without a scheme, as many write it.
    const env = { https_proxy: proxy.url.replace('http://', ''), http_proxy: proxy.url };
    expect(await scene.world.run(['apply'], { env })).toMatchObject({ status: 0 });
    expect(proxy.asked).toContain(`CONNECT ${server.secureUrl.replace('https://', '')}`);
    expect(proxy.asked.some((one) => one.startsWith(`GET ${scene.world.server.url}/other/`))).toBe(true);
    scene.expectActive('2');
  });
});

describe('H86: no network', () => {
  beforeAll(setUp);
  afterAll(tearDown);
  const define = (authority: string) => {
    for (const name of ['app', 'other'] as const)
      scene.define(name, { Source: { Path: `http://${authority}/${name}` } });
  };
  const expectFailure = async (message: RegExp, wrapper: readonly string[] = []) => {
    const began = performance.now();
    const { status, stderr } = await scene.world.run(['check'], { wrapper });
    expect(stderr).toMatch(message);
    expect(status).toBe(10);
    expect((performance.now() - began) / 1000).toBeLessThan(60);
    scene.expectActive('1');
  };

  it('H86: a black hole → 10 in less than 60 s, with the defaults', async () => {
    const hole = await startBlackHole('127.0.0.1');
    try {
      define(`127.0.0.1:${hole.port}`);
      await expectFailure(/no connection within ConnectTimeoutSec=/);
    } finally {
      await hole.close();
    }
  }, 90_000);

  /** In a network of its own, in which not even loopback is up. */
  const nowhere = ['unshare', '--net'];
  const canUnshare = process.getuid?.() === 0;

  it.runIf(canUnshare)(
    'H86: no network at all, as early at boot: 10, and what is installed is looked after',
    async () => {
      define('server.example');
      await expectFailure(/could not be looked up now|unknown/, nowhere);
      expect(await scene.world.run(['install'], { wrapper: nowhere })).toMatchObject({ status: 0 });
      define('127.0.0.1');
      await expectFailure(/unreachable|cannot be reached/, nowhere);
      define('[2001:db8::1]');
      await expectFailure(/unreachable|cannot be reached/, nowhere);
    },
  );
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Everything that is written in files below a directory. */
function contentsBelow(directory: string): string[] {
  const files = execFileSync('find', [directory, '-type', 'f'], { encoding: 'utf8' }).trim().split('\n');
  return files.map((file) => readFileSync(file, 'latin1'));
}
