import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CycleCommand } from '../../../src/daemon/cycle.ts';
import { type DaemonEffects, runDaemon } from '../../../src/daemon/daemon.ts';
import { isOpen, type MaintenanceWindow, parseMaintenanceWindow } from '../../../src/daemon/maintenance-window.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const noon = new Date(2026, 10, 21, 12).getTime();
const night = [parseMaintenanceWindow('22:00-23:00')].filter((window) => window !== undefined);

interface FakeRun {
  readonly command: CycleCommand;
  readonly startedAt: Date;
  readonly signals: string[];
  isRunning: boolean;
  end(status: number): Promise<void>;
}

/** A daemon in a world whose time passes when the test says so; it is noon on a Saturday, runs are due every 6 hours. */
function startDaemon(options: {
  readonly windows?: readonly MaintenanceWindow[];
  readonly delayMs?: number;
  readonly everyMs?: number;
  readonly effects?: Partial<DaemonEffects>;
  readonly stopped?: boolean;
}) {
  const { windows = [], delayMs = 0, everyMs = 6 * HOUR } = options;
  const abort = new AbortController();
  if (options.stopped) abort.abort();
  const timers = new Map<number, { readonly at: number; readonly callback: () => void }>();
  const runs: FakeRun[] = [];
  const log: string[] = [];
  /** What timers count; and what the clock says more than that. */
  let elapsed = 0;
  let clock = noon;
  let timerCount = 0;
  const now = () => new Date(clock + elapsed);
  const effects: DaemonEffects = {
    now,
    random: () => 0.5,
    nextRun: () => new Date(noon + (Math.floor((now().getTime() - noon) / everyMs) + 1) * everyMs),
    setTimer: (ms, callback) => {
      const id = timerCount++;
      timers.set(id, { at: elapsed + ms, callback });
      return () => timers.delete(id);
    },
    startRun: (command) => {
      let resolve: (status: number) => void = () => {};
      const ended = new Promise<number>((done) => {
        resolve = done;
      });
      const run: FakeRun = {
        command,
        startedAt: now(),
        signals: [],
        isRunning: true,
        end: async (status) => {
          run.isRunning = false;
          resolve(status);
          await flush();
        },
      };
      runs.push(run);
      return { ended, kill: (signal) => run.signals.push(signal) };
    },
    log: (text) => log.push(text),
    ...options.effects,
  };
  const result = { ended: false, error: undefined as unknown };
  const daemon = runDaemon({ windows, randomizedDelayMs: delayMs }, effects, abort.signal).then(
    () => {
      result.ended = true;
    },
    (error: unknown) => {
      result.error = error;
    },
  );
  return {
    log,
    runs,
    result,
    daemon,
    timers,
    now,
    running: () => runs.filter(({ isRunning }) => isRunning),
    /** The clock is set, and timers do not notice. */
    stepClock: (ms: number) => {
      clock += ms;
    },
    /** Lets time pass, as if every timer that runs out on the way were on time. */
    pass: async (ms: number) => {
      const end = elapsed + ms;
      for (;;) {
        const [next] = [...timers].sort(([, a], [, b]) => a.at - b.at);
        if (!next || next[1].at > end) break;
        elapsed = Math.max(elapsed, next[1].at);
        timers.delete(next[0]);
        next[1].callback();
        await flush();
      }
      elapsed = end;
    },
    endRun: async (status = 0) => {
      await runs.findLast(({ isRunning }) => isRunning)?.end(status);
    },
    stop: async () => {
      abort.abort();
      await flush();
    },
  };
}

type FakeDaemon = ReturnType<typeof startDaemon>;

const flush = () => new Promise<void>((resolve) => setImmediate(resolve));
const commands = ({ runs }: FakeDaemon) => runs.map(({ command }) => command).join(' ');

async function runCycle(daemon: FakeDaemon): Promise<void> {
  await daemon.pass(0);
  await daemon.endRun();
  await daemon.endRun();
}

describe('the daemon', () => {
  it('acquires and installs at once, and then on the schedule', async () => {
    const daemon = startDaemon({});
    await daemon.pass(0);
    expect(commands(daemon)).toBe('acquire');
    await daemon.endRun();
    expect(commands(daemon)).toBe('acquire install');
    await daemon.endRun();
    expect(daemon.log).toEqual(['the next run is due at Sat 2026-11-21 18:00']);
    await daemon.pass(6 * HOUR);
    expect(commands(daemon)).toBe('acquire install acquire');
    expect(daemon.runs[2]?.startedAt).toEqual(new Date(2026, 10, 21, 18));
  });

  it('begins each cycle after a random part of the delay', async () => {
    const daemon = startDaemon({ delayMs: 30 * MINUTE });
    await daemon.pass(15 * MINUTE - 1);
    expect(commands(daemon)).toBe('');
    await daemon.pass(1);
    expect(commands(daemon)).toBe('acquire');
    expect(daemon.log).toEqual(['acquire starts in 900 s']);
  });

  it.each([
    [10, 'acquire: ended with status 10; the next scheduled run tries again'],
    [75, 'acquire: another run is at work; the next scheduled run tries again'],
    [-1, 'acquire: was killed, or could not be started; the next scheduled run tries again'],
  ])('installs although acquire ended with %i', async (status, text) => {
    const daemon = startDaemon({});
    await daemon.pass(0);
    await daemon.endRun(status);
    expect(daemon.log).toEqual([text]);
    expect(commands(daemon)).toBe('acquire install');
  });

  it('tries again on the schedule when install found another run at work', async () => {
    const daemon = startDaemon({});
    await daemon.pass(0);
    await daemon.endRun();
    await daemon.endRun(75);
    expect(daemon.log[0]).toBe('install: another run is at work; the next scheduled run tries again');
    await runCycle(daemon);
    expect(commands(daemon)).toBe('acquire install');
    await daemon.pass(6 * HOUR);
    expect(commands(daemon)).toBe('acquire install acquire');
  });

  it('leaves a run out while the one before is at work', async () => {
    const daemon = startDaemon({ everyMs: MINUTE });
    await daemon.pass(90 * SECOND);
    expect(commands(daemon)).toBe('acquire');
    expect(daemon.log).toEqual(['the run before is still at work; this one is left out']);
  });
});

describe('the daemon with a maintenance window', () => {
  it('acquires on the schedule, and installs when the window opens', async () => {
    const daemon = startDaemon({ windows: night });
    await daemon.pass(0);
    await daemon.endRun();
    expect(daemon.log).toEqual(['install waits for the maintenance window that opens at Sat 2026-11-21 22:00']);
    await daemon.pass(6 * HOUR);
    expect(commands(daemon)).toBe('acquire acquire');
    await daemon.endRun();
    await daemon.pass(4 * HOUR - 1);
    expect(commands(daemon)).toBe('acquire acquire');
    await daemon.pass(1);
    expect(commands(daemon)).toBe('acquire acquire install');
    expect(daemon.now()).toEqual(new Date(2026, 10, 21, 22));
  });

  it('installs at once while the window is open', async () => {
    const daemon = startDaemon({ windows: night });
    daemon.stepClock(10 * HOUR);
    await runCycle(daemon);
    expect(commands(daemon)).toBe('acquire install');
  });

  it('does not miss the window when the clock is set on, or the machine was suspended', async () => {
    const daemon = startDaemon({ windows: night, everyMs: 1000 * HOUR });
    await daemon.pass(0);
    await daemon.endRun();
    await daemon.pass(30 * MINUTE);
    daemon.stepClock(9 * HOUR);
    await daemon.pass(HOUR);
    expect(commands(daemon)).toBe('acquire install');
    expect(daemon.now().getHours()).toBe(22);
  });

  it('finds the next run anew when the clock was set back', async () => {
    const daemon = startDaemon({});
    await runCycle(daemon);
    daemon.stepClock(-10_000 * HOUR);
    await daemon.pass(8 * HOUR);
    expect(commands(daemon)).toBe('acquire install acquire');
  });
});

describe('told to stop', () => {
  it.each([
    ['the delay', 0, ''],
    ['the window', HOUR, 'acquire'],
    ['the schedule', 10 * HOUR, 'acquire install'],
  ])('while it waits for %s, it ends at once', async (_, ms, before) => {
    const daemon = startDaemon({ windows: night, delayMs: 30 * MINUTE, everyMs: 1000 * HOUR });
    for (const part of [Math.min(ms, HOUR), ms - Math.min(ms, HOUR)]) {
      await daemon.pass(part);
      await daemon.endRun();
    }
    expect(commands(daemon)).toBe(before);
    expect(daemon.running()).toEqual([]);
    await daemon.stop();
    expect(daemon.result).toEqual({ ended: true, error: undefined });
    expect(daemon.timers.size).toBe(0);
  });

  it.each(['acquire', 'install'])('during %s, it ends the run and waits for that', async (command) => {
    const daemon = startDaemon({});
    await daemon.pass(0);
    if (command === 'install') await daemon.endRun();
    await daemon.stop();
    expect(daemon.running()).toMatchObject([{ command, signals: ['SIGTERM'] }]);
    await daemon.pass(89 * SECOND);
    expect(daemon.result.ended).toBe(false);
    await daemon.endRun(143);
    expect(daemon.result.ended).toBe(true);
    expect(daemon.timers.size).toBe(0);
    expect(daemon.log.at(-1)).toBe('stops as soon as the run has ended');
  });

  it('kills a run that does not end', async () => {
    const daemon = startDaemon({});
    await daemon.pass(0);
    await daemon.stop();
    await daemon.pass(90 * SECOND);
    expect(daemon.running()).toMatchObject([{ signals: ['SIGTERM', 'SIGKILL'] }]);
    expect(daemon.result.ended).toBe(false);
    await daemon.endRun(-1);
    expect(daemon.result.ended).toBe(true);
  });

  it('before it began, it runs nothing', async () => {
    const daemon = startDaemon({ stopped: true });
    await daemon.daemon;
    expect(daemon.result.ended).toBe(true);
    expect(daemon.runs).toEqual([]);
    expect(daemon.timers.size).toBe(0);
  });
});

describe('a defect', () => {
  it('ends the daemon and the run with it', async () => {
    let calls = 0;
    const nextRun = () => {
      calls += 1;
      if (calls > 1) throw new Error('no time fits it');
      return new Date(2026, 10, 21, 12, 30);
    };
    const daemon = startDaemon({ effects: { nextRun } });
    await daemon.pass(HOUR);
    expect(daemon.result).toEqual({ ended: false, error: new Error('no time fits it') });
    expect(daemon.running()).toMatchObject([{ signals: ['SIGTERM'] }]);
    expect(daemon.timers.size).toBe(0);
  });
});

describe('whatever happens', () => {
  const anyStep = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 8 * HOUR }).map((ms) => ({ pass: ms })) },
    { weight: 4, arbitrary: fc.constantFrom(0, 10, 75, -1).map((status) => ({ end: status })) },
    { weight: 1, arbitrary: fc.integer({ min: -30 * HOUR, max: 30 * HOUR }).map((ms) => ({ step: ms })) },
  );

  it('one run is at work at most, install follows acquire in a window only, and a stop ends it all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { maxLength: 30 }),
        fc.constantFrom(0, 30 * MINUTE, 12 * HOUR),
        fc.constantFrom(MINUTE, 6 * HOUR),
        fc.constantFrom([], night),
        async (steps, delayMs, everyMs, windows) => {
          const daemon = startDaemon({ windows, delayMs, everyMs });
          for (const step of steps) {
            if ('pass' in step) await daemon.pass(step.pass);
            else if ('end' in step) await daemon.endRun(step.end);
            else daemon.stepClock(step.step);
            expect(daemon.running().length).toBeLessThanOrEqual(1);
          }
          for (const [index, { command, startedAt }] of daemon.runs.entries()) {
            if (command === 'acquire') continue;
            expect(isOpen(windows, startedAt)).toBe(true);
            expect(daemon.runs[index - 1]?.command).toBe('acquire');
          }
          await daemon.stop();
          await daemon.endRun(143);
          expect(daemon.result).toEqual({ ended: true, error: undefined });
          expect(daemon.timers.size).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});
