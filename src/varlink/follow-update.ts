/** `Apply()`: starts the update's units, follows them to their end, and says what they did. */
import { combinedExit, exitStatus } from '../errors.ts';
import type { HistoryEntry } from '../os/history.ts';
import type { DoneAction } from '../work.ts';
import { problemOf, type UnitProblem, type UnitState } from './unit-states.ts';

/** How the units are reached. */
export interface UpdateUnits {
  /** Queues them, or joins them when they are at work. @throws ConfigError when they cannot be started */
  start(): Promise<void>;
  /** @throws ConfigError when systemd cannot be asked */
  show(): Promise<readonly UnitState[]>;
  /** What runs have done, oldest first. */
  history(): readonly HistoryEntry[];
  /** Waits until it is worth to look again. */
  pause(): Promise<void>;
}

export interface UpdateOutcome {
  readonly done: readonly DoneAction[];
  readonly errors: readonly UnitProblem[];
  readonly exit: number;
}

/**
 * @param onChange told when a unit has another state, or says something else
 * @throws ConfigError when the update cannot be started or followed; what `onChange` throws ends only the following
 */
export async function followUpdate(
  units: UpdateUnits,
  onChange: (unit: UnitState) => Promise<void>,
): Promise<UpdateOutcome> {
  const known = new Set(units.history().map(keyOf));
  await units.start();
  const told = new Map<string, string>();
  for (;;) {
    const states = await units.show();
    for (const state of states) {
      const now = `${state.state} ${state.text}`;
      const before = told.get(state.unit);
      told.set(state.unit, now);
      // What is not at work yet has nothing to tell.
      if (before === undefined ? state.busy : before !== now) await onChange(state);
    }
    if (states.every(({ busy }) => !busy))
      return outcomeOf(
        states,
        units.history().filter((entry) => !known.has(keyOf(entry))),
      );
    await units.pause();
  }
}

function keyOf({ at, command }: HistoryEntry): string {
  return `${at} ${command}`;
}

function outcomeOf(states: readonly UnitState[], entries: readonly HistoryEntry[]): UpdateOutcome {
  const errors = states.flatMap((state) => problemOf(state) ?? []);
  return {
    done: entries.flatMap(({ done }) => done as readonly DoneAction[]),
    errors,
    exit: combinedExit(
      errors.map(({ exit }) => exit),
      0,
    ),
  };
}

/** Whether another run was in the way, and nothing came of it: what was staged before is installed all the same. */
export function isBusy({ done, errors }: UpdateOutcome): boolean {
  return done.length === 0 && errors.length > 0 && errors.every(({ exit }) => exit === exitStatus.busy);
}
