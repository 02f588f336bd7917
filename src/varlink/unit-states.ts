/** The units of an update, as `systemctl show` tells of them, and what their states mean. */
import { exitStatus } from '../errors.ts';
import { parseShownUnits } from '../services/shown-units.ts';

/** In the order in which they work. */
export const UPDATE_UNITS = [
  'extupdate-acquire.service',
  'extupdate-install.service',
  'extupdate-activate.service',
] as const;

/** Those that are started: to install brings acquiring before it. */
export const STARTED_UNITS = [
  'extupdate-install.service',
  'extupdate-activate.service',
] as const satisfies readonly (typeof UPDATE_UNITS)[number][];

/** What of a unit is asked for. */
export const UNIT_PROPERTIES = ['Id', 'ActiveState', 'Job', 'Result', 'ExecMainStatus', 'StatusText'] as const;

export interface UnitState {
  readonly unit: string;
  /** In the words of systemd. */
  readonly state: string;
  /** What it says it is at, or what came of it. */
  readonly text: string;
  /** Whether it works, or will. */
  readonly busy: boolean;
  /** In the words of systemd; "success" also of what has never run. */
  readonly result: string;
  /** Of its main process. */
  readonly exit: number;
}

/** Reads what `systemctl show` prints. */
export function parseUnits(text: string): UnitState[] {
  return parseShownUnits(text).map((properties) => {
    const value = (name: (typeof UNIT_PROPERTIES)[number]) => properties.get(name) ?? '';
    const state = value('ActiveState');
    const hasJob = !['', '0'].includes(value('Job'));
    return {
      unit: value('Id'),
      state,
      text: value('StatusText'),
      busy: hasJob || ['activating', 'deactivating', 'reloading', 'refreshing'].includes(state),
      result: value('Result'),
      exit: Number(value('ExecMainStatus')),
    };
  });
}

/** A failure, in the form of the documents. */
export interface UnitProblem {
  readonly component: null;
  readonly code: string;
  readonly exit: number;
  readonly message: string;
  readonly next: string;
}

/** What is wrong with a unit that has ended; undefined when it went well. */
export function problemOf({ unit, result, exit, text }: UnitState): UnitProblem | undefined {
  if (result === 'success') return undefined;
  // The last word of one that was killed is not what became of it.
  const byItself = result === 'exit-code' && exit > 0;
  const told = byItself && text !== '' ? text : `${unit}: ${byItself ? `status ${exit}` : result}`;
  return {
    component: null,
    code: (byItself ? codeOf(exit) : undefined) ?? 'unexpected',
    exit: byItself ? exit : exitStatus.unexpected,
    message: told,
    next: `see "journalctl -u ${unit}"`,
  };
}

/** The code of the errors that end with this status. */
function codeOf(exit: number): string | undefined {
  return Object.entries(exitStatus).find(([, status]) => status === exit)?.[0];
}
