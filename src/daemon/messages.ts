/** What the daemon tells; its runs print for themselves what they do. */
import { exitStatus } from '../errors.ts';
import type { CycleCommand, CycleEvent, CycleState } from './cycle.ts';

/** What is worth telling about a transition; undefined when it is nothing. */
export function describeTransition(before: CycleState, event: CycleEvent, state: CycleState): string | undefined {
  switch (state.name) {
    case 'delayed':
      return before.name !== 'delayed' && event.type === 'due' && event.delayMs >= 1000
        ? `acquire starts in ${Math.round(event.delayMs / 1000)} s`
        : undefined;
    case 'waiting':
      return before.name === 'waiting' && before.opensAt.getTime() === state.opensAt.getTime()
        ? undefined
        : `install waits for the maintenance window that opens at ${localTime(state.opensAt)}`;
    case 'acquiring':
    case 'installing':
      return event.type === 'due' ? 'the run before is still at work; this one is left out' : undefined;
    case 'stopping':
      if (event.type === 'stop') return 'stops as soon as the run has ended';
      return event.type === 'elapsed' ? 'the run does not end, and is killed' : undefined;
    default:
      return undefined;
  }
}

/** What is worth telling about a run that has ended; undefined when it went well. */
export function describeEnd(command: CycleCommand, status: number): string | undefined {
  if (status === exitStatus.done) return undefined;
  return `${command}: ${whatOf(status)}; the next scheduled run tries again`;
}

function whatOf(status: number): string {
  if (status < 0) return 'was killed, or could not be started';
  return status === exitStatus.busy ? 'another run is at work' : `ended with status ${status}`;
}

/** Local time in the form of systemd.time(7), down to minutes: `Sat 2026-11-21 02:00`. */
export function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = date.toLocaleDateString('en', { weekday: 'short' });
  const calendar = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${calendar} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
