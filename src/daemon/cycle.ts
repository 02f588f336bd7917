/**
 * The cycle of the daemon, as a state machine without effects: a random delay, `acquire`, the wait for a maintenance
 * window, `install`. The caller performs the action of each transition and tells what came of it as the next event.
 */
import { type MaintenanceWindow, nextOpening } from './maintenance-window.ts';

export type CycleCommand = 'acquire' | 'install';

export type CycleState =
  /** Waits for the schedule. */
  | { readonly name: 'idle' }
  /** Waits for the random delay to be over. */
  | { readonly name: 'delayed' }
  | { readonly name: 'acquiring' }
  /** Has acquired, and waits for a maintenance window. */
  | { readonly name: 'waiting'; readonly opensAt: Date }
  | { readonly name: 'installing' }
  /** Has asked the run to end, and waits for that. */
  | { readonly name: 'stopping' }
  | { readonly name: 'stopped' };

export type CycleEvent =
  /** The schedule (or the start) wants a cycle, after so long a delay. */
  | { readonly type: 'due'; readonly now: Date; readonly delayMs: number }
  /** The time of the last `sleep` is over. */
  | { readonly type: 'elapsed'; readonly now: Date }
  /** The run that was started has ended, however. */
  | { readonly type: 'ended'; readonly now: Date }
  | { readonly type: 'stop' };

export type CycleAction =
  /** Nothing; what goes on goes on. */
  | { readonly type: 'none' }
  /** Wait, in place of an earlier `sleep`; then `elapsed`. */
  | { readonly type: 'sleep'; readonly ms: number }
  /** Start a run; then `ended`. */
  | { readonly type: 'run'; readonly command: CycleCommand }
  /** Ask the run to end, and `sleep`. */
  | { readonly type: 'terminate'; readonly ms: number }
  /** End the run at once. */
  | { readonly type: 'kill' }
  | { readonly type: 'finish' };

export interface Transition {
  readonly state: CycleState;
  readonly action: CycleAction;
}

/** Longest sleep until a time of the clock: timers see neither a step of the clock nor that the machine was suspended. */
export const SLEEP_MAX_MS = 3_600_000;
/** What a run has from SIGTERM to SIGKILL. It needs 2 s, and more only where the kernel does not let go of it. */
export const STOP_MAX_MS = 90_000;

const none: CycleAction = { type: 'none' };

/**
 * What follows from an event.
 * @throws Error when it cannot happen in this state: a defect of the caller
 */
export function advance(state: CycleState, event: CycleEvent, windows: readonly MaintenanceWindow[]): Transition {
  switch (event.type) {
    case 'due':
      return onDue(state, event, windows);
    case 'elapsed':
      return onElapsed(state, event.now, windows);
    case 'ended':
      return onEnded(state, event.now, windows);
    case 'stop':
      return onStop(state);
  }
}

function onDue(
  state: CycleState,
  { now, delayMs }: Extract<CycleEvent, { type: 'due' }>,
  windows: readonly MaintenanceWindow[],
): Transition {
  const delayed: Transition = { state: { name: 'delayed' }, action: { type: 'sleep', ms: delayMs } };
  if (state.name === 'idle') return delayed;
  // One cycle at a time: whatever else is at work goes on.
  if (state.name !== 'waiting') return { state, action: none };
  // What the window opens for should be new, so each scheduled run acquires again; but not at the cost of the window.
  const opensAt = nextOpening(windows, now);
  const isSoon = opensAt !== undefined && opensAt.getTime() <= now.getTime() + delayMs;
  return isSoon ? waitFor(opensAt, now) : delayed;
}

function onElapsed(state: CycleState, now: Date, windows: readonly MaintenanceWindow[]): Transition {
  switch (state.name) {
    case 'delayed':
      return { state: { name: 'acquiring' }, action: { type: 'run', command: 'acquire' } };
    case 'waiting':
      return installWhenOpen(now, windows);
    case 'stopping':
      return { state, action: { type: 'kill' } };
    default:
      throw impossible(state, 'elapsed');
  }
}

function onEnded(state: CycleState, now: Date, windows: readonly MaintenanceWindow[]): Transition {
  switch (state.name) {
    case 'acquiring':
      // Also after a failure: what other components have acquired, now or before, is installed.
      return installWhenOpen(now, windows);
    case 'installing':
      return { state: { name: 'idle' }, action: none };
    case 'stopping':
      return { state: { name: 'stopped' }, action: { type: 'finish' } };
    default:
      throw impossible(state, 'ended');
  }
}

function onStop(state: CycleState): Transition {
  switch (state.name) {
    case 'acquiring':
    case 'installing':
      return { state: { name: 'stopping' }, action: { type: 'terminate', ms: STOP_MAX_MS } };
    case 'stopping':
    case 'stopped':
      return { state, action: none };
    default:
      return { state: { name: 'stopped' }, action: { type: 'finish' } };
  }
}

function installWhenOpen(now: Date, windows: readonly MaintenanceWindow[]): Transition {
  const opensAt = nextOpening(windows, now);
  // None in sight: the next scheduled run looks again.
  if (opensAt === undefined) return { state: { name: 'idle' }, action: none };
  if (opensAt.getTime() > now.getTime()) return waitFor(opensAt, now);
  return { state: { name: 'installing' }, action: { type: 'run', command: 'install' } };
}

function waitFor(opensAt: Date, now: Date): Transition {
  const ms = Math.min(opensAt.getTime() - now.getTime(), SLEEP_MAX_MS);
  return { state: { name: 'waiting', opensAt }, action: { type: 'sleep', ms } };
}

function impossible(state: CycleState, event: CycleEvent['type']): Error {
  return new Error(`the daemon is ${state.name}, and was told "${event}"`);
}
