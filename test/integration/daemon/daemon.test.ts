import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withPassed } from '../../../src/os/passed-sockets.ts';
import { extensionImage } from '../../support/images.ts';
import { definition, makeWorld, programPath, type World } from '../../support/world.ts';

const installed = 'var/lib/extensions/app.raw.v/app_1.raw';
const payload = '/app/app_1.raw';

let world: World;
let daemon: ChildProcess | undefined;

beforeEach(async () => {
  world = await makeWorld();
  world.write(
    'etc/extupdate/transfer.d/app.transfer',
    definition({
      Source: { Type: 'url-file', Path: `${world.server.url}/app`, MatchPattern: 'app_@v.raw' },
      Target: { Path: '/var/lib/extensions/app.raw.v' },
    }),
  );
  configure({ RandomizedDelaySec: '0' });
  const image = extensionImage({
    name: 'app',
    release: { ID: 'testos', VERSION_ID: '1' },
    files: { 'usr/share/v': '1' },
  });
  await world.publish('app', { 'app_1.raw': image });
});
afterEach(async () => {
  daemon?.kill('SIGKILL');
  daemon = undefined;
  await world.close();
});

function configure(settings: Readonly<Record<string, string>>): void {
  // Far away, so that only the cycle at the start can be what a test sees.
  world.write('etc/extupdate.conf', definition({ Extupdate: { Schedule: '0 0 1 1 *', ...settings } }));
}

/** Starts the daemon as a service manager does. */
function startDaemon(...args: string[]) {
  const { argv, env } = withPassed(
    ['notify'],
    [process.execPath, programPath, 'daemon', `--root=${world.root}`, ...args],
  );
  const [program, ...words] = argv;
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  daemon = child;
  const lines: string[] = [];
  const states: string[] = [];
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => states.push(line));
  const waiting: { readonly pattern: RegExp; readonly resolve: () => void }[] = [];
  for (const stream of child.stdio.slice(1, 3) as Readable[]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const { pattern, resolve } of waiting) if (pattern.test(line)) resolve();
    });
  }
  // Closed once no run holds the output any more either.
  const closed = new Promise<number>((resolve) => {
    child.on('close', (status) => resolve(status ?? -1));
  });
  return {
    lines,
    /** What the service manager was told. */
    states,
    /** Waits for a line; fails with what was printed when the daemon ends before. */
    line: (pattern: RegExp) =>
      new Promise<void>((resolve, reject) => {
        if (lines.some((line) => pattern.test(line))) resolve();
        waiting.push({ pattern, resolve });
        void closed.then((status) => reject(new Error(`ended with ${status}:\n${lines.join('\n')}`)));
      }),
    closed,
    stop: async (signal: NodeJS.Signals = 'SIGTERM') => {
      const before = performance.now();
      child.kill(signal);
      const status = await closed;
      return { status, seconds: (performance.now() - before) / 1000 };
    },
  };
}

/** Requests for a path that are never answered; resolves with the first one. */
function stall(path: string): Promise<void> {
  return new Promise((resolve) => {
    world.server.intercept = (_request, response, asked) => {
      if (asked !== path) return false;
      response.writeHead(200, { 'content-length': 1_000_000 }).write('begin');
      resolve();
      return true;
    };
  });
}

/** Processes that work on this world. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((words) => words.includes(world.root));
}

describe('extupdate daemon', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'installs at the start, waits for the schedule, and ends at %s',
    async (signal) => {
      configure({ RandomizedDelaySec: '0', Schedule: '* * * * *' });
      const { lines, line, stop } = startDaemon();
      await line(/^daemon: the next run is due at /);
      expect(lines).toContain('app: exposed 1');
      expect(world.read(installed)).toBeDefined();
      const { status, seconds } = await stop(signal);
      expect(status).toBe(0);
      expect(seconds).toBeLessThan(2);
      expect(processes()).toEqual([]);
    },
  );

  it('acquires outside of the maintenance window, and leaves install to its opening', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toLocaleDateString('en', { weekday: 'short' });
    configure({ RandomizedDelaySec: '0', MaintenanceWindow: `${tomorrow} 23:58-23:59` });
    const { line, stop } = startDaemon();
    await line(/^daemon: install waits for the maintenance window that opens at .* 23:58$/);
    expect(world.server.requests.map(({ path }) => path)).toContain(payload);
    expect(world.names('var/lib/extupdate/staging').some((name) => /^[0-9a-f]{64}/.test(name))).toBe(true);
    expect(world.read(installed)).toBeUndefined();
    expect((await stop()).status).toBe(0);
  });

  it('ends a download that is stuck, and leaves no process behind', async () => {
    const stalled = stall(payload);
    const { lines, stop } = startDaemon();
    await stalled;
    expect(processes().some((words) => words.includes(' acquire '))).toBe(true);
    const { status, seconds } = await stop();
    expect(status).toBe(0);
    expect(seconds).toBeLessThan(5);
    expect(processes()).toEqual([]);
    expect(lines).toContain('daemon: stops as soon as the run has ended');
    // A later run is not hindered.
    world.server.intercept = undefined;
    expect(await world.run(['apply'])).toMatchObject({ status: 0, stdout: 'app: exposed 1\n' });
  });

  it('tells the service manager when it is up, what its runs are at, and when it ends', async () => {
    const stalled = stall(payload);
    const { states, stop } = startDaemon();
    await stalled;
    await expect
      .poll(() => states)
      .toContainEqual(expect.stringMatching(/^STATUS=downloading app_1\.raw: 0 % of 977 KiB/));
    expect(states.slice(0, 2)).toEqual(['READY=1', 'STATUS=looking for updates']);
    await stop();
    expect(states.slice(-2).sort()).toEqual(['STATUS=stops as soon as the run has ended', 'STOPPING=1']);
  });

  it('goes on after a run that failed', async () => {
    world.server.intercept = (_request, response) => {
      response.writeHead(404).end();
      return true;
    };
    const { lines, line, stop } = startDaemon();
    await line(/^daemon: the next run is due at /);
    expect(lines).toContainEqual(expect.stringMatching(/^daemon: acquire: ended with status 1\d; the next/));
    expect((await stop()).status).toBe(0);
  });

  it('waits the random delay first, and ends in it at once', async () => {
    configure({ RandomizedDelaySec: '7d' });
    const { line, stop } = startDaemon();
    await line(/^daemon: acquire starts in [0-9]+ s$/);
    const { status, seconds } = await stop();
    expect(status).toBe(0);
    expect(seconds).toBeLessThan(2);
    expect(world.server.requests).toEqual([]);
  });

  it.each([
    [3, 'a schedule that never comes', { Schedule: '0 0 30 2 *' }, [], /Schedule=: "0 0 30 2 \*" is not valid: /],
    [
      3,
      'a setting that is not valid',
      { MaintenanceWindow: 'often' },
      [],
      /extupdate\.conf:3: MaintenanceWindow=: "often"/,
    ],
    [2, 'an option of single runs', {}, ['--dry-run'], /daemon: --json, --dry-run and --offline/],
  ])('ends with %i for %s', async (status, _, settings, args, message) => {
    configure(settings);
    const { closed, lines } = startDaemon(...args);
    expect(await closed).toBe(status);
    expect(lines.join('\n')).toMatch(message);
  });
});
