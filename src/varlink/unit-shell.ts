/**
 * The one privilege of this service, in a process of its own: a shell that can start the update's units and tell how they
 * are, and nothing else. It is made while the service is still root, for callers who are root, and stays so. It needs no
 * D-Bus, which does not talk to every dynamic user.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ConfigError } from '../errors.ts';
import { parseUnits, STARTED_UNITS, UNIT_PROPERTIES, type UnitState, UPDATE_UNITS } from './unit-states.ts';

/** Answers each word with what systemctl prints, and a line with its status. */
const SCRIPT = `while read -r word; do
  case $word in
    start) systemctl start --no-block ${STARTED_UNITS.join(' ')} 2>&1 ;;
    show) systemctl show --property=${UNIT_PROPERTIES.join(',')} ${UPDATE_UNITS.join(' ')} 2>&1 ;;
    *) exit 1 ;;
  esac
  echo "= $?"
done`;

export interface UnitShell {
  /** Queues the update, or joins the one that is at work. @throws ConfigError with the reason of systemd */
  start(): Promise<void>;
  /** @throws ConfigError with the reason of systemd */
  show(): Promise<readonly UnitState[]>;
  /** Ends the shell. */
  close(): void;
}

/** Starts the shell; one word at a time may be asked. */
export function startUnitShell(): UnitShell {
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  // That it is not there shows when it is asked.
  for (const emitter of [shell, shell.stdin]) emitter.on('error', () => {});
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  const ask = async (word: string, failed: string): Promise<string> => {
    shell.stdin.write(`${word}\n`);
    const text: string[] = [];
    for (;;) {
      const { value, done } = await lines.next();
      if (!done && value === '= 0') return text.join('\n');
      if (!done && !/^= [0-9]+$/.test(value)) text.push(value);
      else {
        throw new ConfigError(`${failed}: ${text.join(' ') || 'systemctl cannot be run'}`, {
          next: 'see "systemctl status extupdate-install.service"',
        });
      }
    }
  };
  return {
    start: async () => void (await ask('start', 'the update cannot be started')),
    show: async () => parseUnits(await ask('show', 'the update cannot be followed')),
    close: () => shell.stdin.end(),
  };
}
