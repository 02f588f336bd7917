/** The daemon: waits for the schedule, performs what the cycle decides, and stops cleanly. */
import type { Run } from './child-run.ts';
import {
  advance,
  type CycleAction,
  type CycleCommand,
  type CycleEvent,
  type CycleState,
  SLEEP_MAX_MS,
} from './cycle.ts';
import type { MaintenanceWindow } from './maintenance-window.ts';
import { describeEnd, describeTransition, localTime } from './messages.ts';

export interface DaemonSettings {
  readonly windows: readonly MaintenanceWindow[];
  /** Each cycle begins after a random part of it, so that not all hosts ask the servers at once. */
  readonly randomizedDelayMs: number;
}

/** Everything that the daemon touches, so that tests need no time. */
export interface DaemonEffects {
  now(): Date;
  /** From 0 up to, but not including, 1. */
  random(): number;
  /** The first time of the schedule after now. */
  nextRun(): Date;
  /** @returns takes the timer back */
  setTimer(ms: number, callback: () => void): () => void;
  startRun(command: CycleCommand): Run;
  log(text: string): void;
}

/**
 * Runs cycles, the first one at once, until the signal is given and the run that is at work then has ended.
 * @throws Error for defects only: what goes wrong in a run is logged
 */
export async function runDaemon(settings: DaemonSettings, effects: DaemonEffects, signal: AbortSignal): Promise<void> {
  const daemon = new Daemon(settings, effects);
  const stop = () => daemon.stop();
  signal.addEventListener('abort', stop);
  try {
    daemon.begin();
    if (signal.aborted) daemon.stop();
    await daemon.ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

class Daemon {
  /** Once it has stopped. */
  readonly ended: Promise<void>;
  readonly #settings: DaemonSettings;
  readonly #effects: DaemonEffects;
  #state: CycleState = { name: 'idle' };
  #nextRun: Date;
  #run: Run | undefined;
  #cancelSleep = () => {};
  #cancelSchedule = () => {};
  #resolve = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(settings: DaemonSettings, effects: DaemonEffects) {
    this.#settings = settings;
    this.#effects = effects;
    this.#nextRun = effects.now();
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Begins to follow the schedule; the first cycle is due at once, so that a machine that was off catches up. */
  begin(): void {
    this.#guard(() => {
      this.#followSchedule();
      this.#due();
    });
  }

  stop(): void {
    this.#guard(() => this.#dispatch({ type: 'stop' }));
  }

  #followSchedule(): void {
    const { now, nextRun, setTimer } = this.#effects;
    const due = nextRun();
    this.#nextRun = due;
    const ms = Math.min(Math.max(due.getTime() - now().getTime(), 0), SLEEP_MAX_MS);
    this.#cancelSchedule = setTimer(ms, () => {
      this.#guard(() => {
        // Found anew each time, for the clock may have been set back.
        this.#followSchedule();
        if (now() >= due) this.#due();
      });
    });
  }

  #due(): void {
    const { now, random } = this.#effects;
    const delayMs = Math.floor(random() * this.#settings.randomizedDelayMs);
    this.#dispatch({ type: 'due', now: now(), delayMs });
  }

  #dispatch(event: CycleEvent): void {
    const before = this.#state;
    const { state, action } = advance(before, event, this.#settings.windows);
    this.#state = state;
    const text = describeTransition(before, event, state);
    if (text !== undefined) this.#effects.log(text);
    if (state.name === 'idle') this.#effects.log(`the next run is due at ${localTime(this.#nextRun)}`);
    this.#perform(action);
  }

  #perform(action: CycleAction): void {
    switch (action.type) {
      case 'none':
        break;
      case 'sleep':
        this.#sleep(action.ms);
        break;
      case 'run':
        this.#start(action.command);
        break;
      case 'terminate':
        this.#run?.kill('SIGTERM');
        this.#sleep(action.ms);
        break;
      case 'kill':
        this.#run?.kill('SIGKILL');
        break;
      case 'finish':
        this.#cancelTimers();
        this.#resolve();
        break;
    }
  }

  #sleep(ms: number): void {
    const { now, setTimer } = this.#effects;
    this.#cancelSleep();
    this.#cancelSleep = setTimer(ms, () => {
      this.#guard(() => this.#dispatch({ type: 'elapsed', now: now() }));
    });
  }

  #start(command: CycleCommand): void {
    const run = this.#effects.startRun(command);
    this.#run = run;
    void run.ended.then((status) => {
      this.#guard(() => {
        this.#run = undefined;
        const text = this.#state.name === 'stopping' ? undefined : describeEnd(command, status);
        if (text !== undefined) this.#effects.log(text);
        this.#dispatch({ type: 'ended', now: this.#effects.now() });
      });
    });
  }

  /** A defect must leave neither a run behind nor a daemon that does nothing. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#cancelTimers();
      this.#run?.kill('SIGTERM');
      this.#reject(error);
    }
  }

  #cancelTimers(): void {
    this.#cancelSleep();
    this.#cancelSchedule();
  }
}
